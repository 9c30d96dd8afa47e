"""What a bank's file says of our transfers: pain.002 (customer payment status report), camt.053 and camt.054 (entries).

Pure: bytes in, lines out. Every version of a message is read alike, as far as its elements are called alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from lxml import etree

from kernel.errors import Invalid
from kernel.money import CURRENCIES, Money, exponent

ReportKind = Literal["pain.002", "camt.053", "camt.054"]
Says = Literal["paid", "failed", "returned", "pending"]
MAX_BYTES: Final = 10 * 1024 * 1024
MOST_MINOR: Final = 10**15
"""Of one transfer. What somebody else's line says beyond it is kept as no amount, and refuses no file."""
_ID = 35
"""Characters of an identifier (Max35Text)."""
_KIND = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:(pain\.002|camt\.053|camt\.054)\.001\.\d{2}\}Document")
_AMOUNT = re.compile(r"\d{1,18}(\.\d{1,5})?")
_STATUS: Final[dict[str, Says]] = {"ACSC": "paid", "ACCC": "paid", "RJCT": "failed", "CANC": "failed"}
"""ISO 20022 external payment transaction status: settled at the debtor's or the creditor's bank, refused, cancelled."""


@dataclass(frozen=True, slots=True)
class ReportedTransfer:
    """What a file says of one transfer; without `end_to_end_id` of all of the file that was called `message_id`.

    `amount` None: it says none, or none that a number of minor units is.
    """

    end_to_end_id: str
    message_id: str
    says: Says
    amount: Money | None
    has_amount: bool
    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class BankReport:
    """A file, read."""

    kind: ReportKind
    message_id: str
    transfers: tuple[ReportedTransfer, ...]


def read_report(content: bytes) -> BankReport:
    """Read a file.

    Raises:
        Invalid: `bank_report_unreadable`: it is no such message, is too large, or declares entities.
    """
    if len(content) > MAX_BYTES:
        raise Invalid("bank_report_unreadable", field="file")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Invalid("bank_report_unreadable", field="file") from error
    found = _KIND.fullmatch(str(root.tag))
    docinfo: Any = root.getroottree().docinfo
    if found is None or docinfo.internalDTD is not None:
        raise Invalid("bank_report_unreadable", field="file")
    namespace = str(root.tag).removesuffix("Document")
    kind: ReportKind = "pain.002" if found[1] == "pain.002" else "camt.053" if found[1] == "camt.053" else "camt.054"
    message = _Node(root, namespace)
    read = _statuses if kind == "pain.002" else _entries
    message_id = next((node.text("GrpHdr/MsgId") for node in message.all("*")), "")
    return BankReport(kind, message_id, tuple(read(message)))


class _Node:
    """An element, whose descendants are named without their namespace."""

    def __init__(self, element: etree._Element, namespace: str) -> None:
        self.element = element
        self._namespace = namespace

    def all(self, path: str) -> list[_Node]:
        steps = [step if step in {"*", ".", ""} else f"{self._namespace}{step}" for step in path.split("/")]
        return [_Node(one, self._namespace) for one in self.element.findall("/".join(steps))]

    def text(self, *paths: str) -> str:
        for path in paths:
            for node in self.all(path):
                if said := (node.element.text or "").strip():
                    return said[:_ID]
        return ""

    def money(self, *paths: str) -> tuple[Money | None, bool]:
        """The first amount there is, and whether there is one."""
        for path in paths:
            for node in self.all(path):
                return _money((node.element.text or "").strip(), node.element.get("Ccy", "")), True
        return None, False


def _money(text: str, currency: str) -> Money | None:
    if currency not in CURRENCIES or not _AMOUNT.fullmatch(text):
        return None
    minor = Decimal(text).scaleb(exponent(currency))
    return Money(int(minor), currency) if minor == int(minor) and minor <= MOST_MINOR else None


def _statuses(message: _Node) -> Iterator[ReportedTransfer]:
    for report in message.all("CstmrPmtStsRpt"):
        original = report.text("OrgnlGrpInfAndSts/OrgnlMsgId")
        transactions = 0
        for batch in report.all("OrgnlPmtInfAndSts"):
            for one in batch.all("TxInfAndSts"):
                transactions += 1
                amount, has_amount = one.money("OrgnlTxRef/Amt/InstdAmt")
                yield ReportedTransfer(
                    one.text("OrgnlEndToEndId") or "-",
                    original,
                    _STATUS.get(one.text("TxSts"), "pending"),
                    amount,
                    has_amount,
                    one.text("StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry"),
                    one.text("AcctSvcrRef", "StsId"),
                )
        if not transactions:
            yield _of_the_file(report, original)


def _of_the_file(report: _Node, original: str) -> ReportedTransfer:
    """A report that names no transaction speaks of all of them."""
    status = report.text("OrgnlPmtInfAndSts/PmtInfSts", "OrgnlGrpInfAndSts/GrpSts")
    reason = report.text(
        "OrgnlPmtInfAndSts/StsRsnInf/Rsn/Cd",
        "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd",
        "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Prtry",
    )
    return ReportedTransfer("", original, _STATUS.get(status, "pending"), None, False, reason, "")


def _entries(message: _Node) -> Iterator[ReportedTransfer]:
    for entry in [*message.all("*/Stmt/Ntry"), *message.all("*/Ntfctn/Ntry")]:
        reference = entry.text("AcctSvcrRef", "NtryRef")
        is_booked = entry.text("Sts/Cd", "Sts") == "BOOK"
        details = entry.all("NtryDtls/TxDtls")
        alone = len(details) <= 1
        for one in details:
            end_to_end_id = one.text("Refs/EndToEndId")
            direction = one.text("CdtDbtInd") or entry.text("CdtDbtInd")
            amount, has_amount = one.money("Amt", "AmtDtls/TxAmt/Amt")
            if not has_amount and alone:
                amount, has_amount = entry.money("Amt")
            yield ReportedTransfer(
                end_to_end_id or "-",
                one.text("Refs/MsgId"),
                "pending" if not is_booked else "paid" if direction == "DBIT" else "returned",
                amount,
                # An entry of several transfers that says no amount of each could be of any amount.
                has_amount or not alone,
                one.text("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
                one.text("Refs/AcctSvcrRef") or reference,
            )
        if not details:
            amount, has_amount = entry.money("Amt")
            batch_id = entry.text("NtryDtls/Btch/MsgId", "NtryDtls/Btch/PmtInfId")
            says: Says = "paid" if is_booked and entry.text("CdtDbtInd") == "DBIT" else "pending"
            yield ReportedTransfer("" if batch_id else "-", batch_id, says, amount, has_amount, "", reference)
