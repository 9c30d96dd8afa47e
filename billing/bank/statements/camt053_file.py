"""Statements as ISO 20022 camt.053, of any version: only names are looked at, whatever namespace they are in."""

from __future__ import annotations

from datetime import date
from typing import Any

from lxml import etree

from billing.bank.statements.csv_file import to_day
from billing.bank.statements.model import FileFault, FileLine, StatementFile, is_currency, to_minor

Node = Any


def read_camt053(content: bytes) -> StatementFile:
    """Read a file with one statement or several of one account. Whatever is wrong is a fault of its line; never raises.

    No entity is expanded and nothing is fetched: the file comes from outside.
    """
    found = StatementFile("camt053")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root: Node = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        found.faults.append(FileFault(line, "line_broken", str(error)[:80]))
        return found
    statements = root.xpath("//*[local-name() = 'BkToCstmrStmt']/*[local-name() = 'Stmt']")
    if not statements:
        found.faults.append(FileFault(0, "columns_unknown"))
    for statement in statements:
        _read_statement(found, statement)
    if found.currency:
        found.require_sum()
    return found


def _texts(node: Node, path: str) -> list[str]:
    steps = "/".join(f"*[local-name() = '{step}']" for step in path.split("/"))
    return [" ".join((one.text or "").split()) for one in node.xpath(f"./{steps}")]


def _text(node: Node, *paths: str) -> str:
    return next((text for path in paths for text in _texts(node, path) if text), "")


def _read_statement(found: StatementFile, statement: Node) -> None:
    number = _text(statement, "Acct/Id/IBAN", "Acct/Id/Othr/Id").replace(" ", "")
    if found.account_number not in {"", number}:
        found.faults.append(FileFault(statement.sourceline, "account_differs", number[:40]))
        return
    found.account_number = number
    for balance in statement.xpath("./*[local-name() = 'Bal']"):
        _read_balance(found, balance)
    for entry in statement.xpath("./*[local-name() = 'Ntry']"):
        if _text(entry, "Sts/Cd", "Sts") not in {"PDNG", "INFO"}:
            _read_entry(found, entry)


def _amount(found: StatementFile, node: Node) -> int | None:
    """The signed amount of a balance or an entry, or None with a fault. The first currency is the account's."""
    (amount, *_) = node.xpath("./*[local-name() = 'Amt']") or [None]
    if amount is None:
        found.faults.append(FileFault(node.sourceline, "amount_broken"))
        return None
    currency = amount.get("Ccy", "")
    if not is_currency(currency) or found.currency not in {"", currency}:
        found.faults.append(FileFault(amount.sourceline, "currency_unknown", currency[:20]))
        return None
    side = _text(node, "CdtDbtInd")
    try:
        minor = to_minor(amount.text or "", currency)
    except ValueError:
        minor = -1
    if minor < 0 or side not in {"CRDT", "DBIT"}:
        found.faults.append(FileFault(amount.sourceline, "amount_broken", f"{amount.text} {side}"[:40]))
        return None
    found.currency = currency
    return minor if side == "CRDT" else -minor


def _read_balance(found: StatementFile, balance: Node) -> None:
    kind = _text(balance, "Tp/CdOrPrtry/Cd")
    if kind not in {"OPBD", "PRCD", "CLBD"}:
        return
    minor = _amount(found, balance)
    if minor is None:
        return
    if kind == "CLBD":
        found.closing_minor = minor
    elif found.opening_minor is None:
        found.opening_minor = minor


def _read_entry(found: StatementFile, entry: Node) -> None:
    minor = _amount(found, entry)
    if minor is None:
        return
    if minor == 0:
        found.faults.append(FileFault(entry.sourceline, "amount_broken", "0"))
        return
    written = _text(entry, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt")
    day = to_day(written)
    if day is None:
        found.faults.append(FileFault(entry.sourceline, "date_broken", written[:40]))
        return
    details = entry.xpath("./*[local-name() = 'NtryDtls']/*[local-name() = 'TxDtls']")
    parts = _parts(found, details, minor) if len(details) > 1 else [(minor, details[0] if details else None)]
    reference = _text(entry, "AcctSvcrRef", "NtryRef")
    for position, (part, detail) in enumerate(parts):
        found.lines.append(_line(entry, detail, part, found.currency, day, reference, position))


def _parts(found: StatementFile, details: list[Node], minor: int) -> list[tuple[int, Node]]:
    """The transfers that a bank has booked as one entry. Parts that are not the whole are a fault."""
    parts = []
    for detail in details:
        written = _text(detail, "Amt", "AmtDtls/TxAmt/Amt")
        try:
            parts.append((to_minor(written, found.currency) * (1 if minor > 0 else -1), detail))
        except ValueError:
            found.faults.append(FileFault(detail.sourceline, "amount_broken", written[:40]))
            return []
    if sum(part for part, _ in parts) != minor or any(part == 0 for part, _ in parts):
        found.faults.append(FileFault(details[0].sourceline, "sum_differs", str(minor)))
        return []
    return parts


def _line(
    entry: Node, detail: Node | None, minor: int, currency: str, day: date, reference: str, position: int
) -> FileLine:
    """The other side is who paid of what came in, who was paid of what went out."""
    node = detail if detail is not None else entry
    side = "Dbtr" if minor > 0 else "Cdtr"
    own_account = "CdtrAcct" if minor > 0 else "DbtrAcct"
    remark = [
        *_texts(node, "RmtInf/Ustrd"),
        *_texts(node, "RmtInf/Strd/CdtrRefInf/Ref"),
        _text(node, "Refs/EndToEndId"),
        _text(entry, "AddtlNtryInf"),
    ]
    own = _text(node, "Refs/AcctSvcrRef") or reference
    return FileLine(
        line=node.sourceline,
        booked_on=day,
        amount_minor=minor,
        currency=currency,
        counterparty_name=_text(node, f"RltdPties/{side}/Nm", f"RltdPties/{side}/Pty/Nm")[:200],
        counterparty_account=_text(node, f"RltdPties/{side}Acct/Id/IBAN", f"RltdPties/{side}Acct/Id/Othr/Id")[:64],
        remark=" ".join(part for part in remark if part and part != "NOTPROVIDED")[:500],
        bank_reference=(own if not position or own != reference else f"{own}/{position}")[:100],
        virtual_account=_text(node, f"RltdPties/{own_account}/Id/IBAN", f"RltdPties/{own_account}/Id/Othr/Id")[:64],
    )
