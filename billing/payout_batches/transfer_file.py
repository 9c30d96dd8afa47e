"""A batch as the file that a bank takes: ISO 20022 CustomerCreditTransferInitiationV09 (pain.001.001.09).

The same batch is the same bytes, with the same message id, so that a bank that is handed the file twice recognises it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from lxml import etree

from kernel.money import to_decimal
from marketplace.onboarding.bank_details import scheme_of

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CLEARING_SYSTEMS: Final = {"cn": "CNAPS", "us": "USABA", "gb": "GBDSC"}
"""ISO 20022 external code set ClearingSystemIdentification1Code, by the scheme of the bank's country."""
_UNPRINTABLE = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
_NAME = 140
"""Characters of a name or a remittance text (Max140Text)."""


@dataclass(frozen=True, slots=True)
class BankParty:
    """Whose account at which bank, with numbers in the stored form of `checked_numbers`."""

    name: str
    country: str
    account: str
    bank_code: str


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """One transfer of a file. `end_to_end_id` (at most 35 characters) comes back in whatever the bank says of it."""

    end_to_end_id: str
    amount_minor: int
    creditor: BankParty
    text: str


@dataclass(frozen=True, slots=True)
class CreditTransferFile:
    """What a file says."""

    message_id: str
    created_at: datetime
    execution_on: date
    currency: str
    debtor: BankParty
    transfers: Sequence[CreditTransfer]

    @property
    def control_sum_minor(self) -> int:
        """The sum of its transfers."""
        return sum(one.amount_minor for one in self.transfers)


def write_transfer_file(file: CreditTransferFile) -> bytes:
    """The file, valid against its schema.

    Raises:
        ValueError: it has no transfer.
    """
    if not file.transfers:
        raise ValueError("a transfer file without a transfer")
    nsmap: dict[Any, str] = {None: NAMESPACE}
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap=nsmap)
    initiation = _add(root, "CstmrCdtTrfInitn")
    header = _add(initiation, "GrpHdr")
    _add(header, "MsgId", file.message_id)
    _add(header, "CreDtTm", file.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _sums(header, file)
    _add(_add(header, "InitgPty"), "Nm", _text(file.debtor.name))
    payment = _add(initiation, "PmtInf")
    _add(payment, "PmtInfId", file.message_id)
    _add(payment, "PmtMtd", "TRF")
    _add(payment, "BtchBookg", "false")
    _sums(payment, file)
    is_sepa = file.currency == "EUR" and all(
        scheme_of(party.country) == "iban" for party in (file.debtor, *(one.creditor for one in file.transfers))
    )
    if is_sepa:
        _add(_add(_add(payment, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(payment, "ReqdExctnDt"), "Dt", file.execution_on.isoformat())
    _add(_add(payment, "Dbtr"), "Nm", _text(file.debtor.name))
    _account(_add(payment, "DbtrAcct"), file.debtor)
    _agent(_add(payment, "DbtrAgt"), file.debtor)
    # Shared charges; under SEPA's scheme they follow the service level.
    _add(payment, "ChrgBr", "SLEV" if is_sepa else "SHAR")
    for one in file.transfers:
        _transfer(payment, file, one)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _transfer(payment: etree._Element, file: CreditTransferFile, one: CreditTransfer) -> None:
    entry = _add(payment, "CdtTrfTxInf")
    identification = _add(entry, "PmtId")
    _add(identification, "InstrId", one.end_to_end_id)
    _add(identification, "EndToEndId", one.end_to_end_id)
    amount = _add(_add(entry, "Amt"), "InstdAmt", str(to_decimal(one.amount_minor, file.currency)))
    amount.set("Ccy", file.currency)
    if scheme_of(one.creditor.country) != "iban" or one.creditor.bank_code:
        # An IBAN says its bank.
        _agent(_add(entry, "CdtrAgt"), one.creditor)
    creditor = _add(entry, "Cdtr")
    _add(creditor, "Nm", _text(one.creditor.name))
    _add(_add(creditor, "PstlAdr"), "Ctry", one.creditor.country)
    _account(_add(entry, "CdtrAcct"), one.creditor)
    _add(_add(entry, "RmtInf"), "Ustrd", _text(one.text))


def _sums(parent: etree._Element, file: CreditTransferFile) -> None:
    _add(parent, "NbOfTxs", str(len(file.transfers)))
    _add(parent, "CtrlSum", str(to_decimal(file.control_sum_minor, file.currency)))


def _account(parent: etree._Element, party: BankParty) -> None:
    identification = _add(parent, "Id")
    if scheme_of(party.country) == "iban":
        _add(identification, "IBAN", party.account)
    else:
        _add(_add(identification, "Othr"), "Id", party.account)


def _agent(parent: etree._Element, party: BankParty) -> None:
    institution = _add(parent, "FinInstnId")
    scheme = scheme_of(party.country)
    if scheme in CLEARING_SYSTEMS:
        member = _add(institution, "ClrSysMmbId")
        _add(_add(member, "ClrSysId"), "Cd", CLEARING_SYSTEMS[scheme])
        _add(member, "MmbId", party.bank_code)
    elif party.bank_code:
        _add(institution, "BICFI", party.bank_code)
    else:
        _add(_add(institution, "Othr"), "Id", "NOTPROVIDED")


def _text(said: str) -> str:
    return _UNPRINTABLE.sub("", " ".join(said.split()))[:_NAME] or "-"


def _add(parent: etree._Element, name: str, content: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if content is not None:
        child.text = content
    return child
