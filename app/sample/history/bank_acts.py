"""What happens by bank in a market's past."""

from __future__ import annotations

from dataclasses import dataclass

from app.sample.history.acts import Banking


@dataclass(frozen=True, slots=True)
class OpenBankAccount(Banking):
    """The platform's account, to which transfers are asked for from now on."""


@dataclass(frozen=True, slots=True)
class GiveCredit(Banking):
    """The operator lets a buyer owe so much, each purchase for so many days."""

    buyer: str
    limit_minor: int
    term_days: int
    reason: str


@dataclass(frozen=True, slots=True)
class TellOfTransfer(Banking):
    """The bank's file tells that a buyer has sent what it was asked for under a PO number."""

    buyer: str
    po_number: str


@dataclass(frozen=True, slots=True)
class TellOfStranger(Banking):
    """The bank's file tells of money that names no code."""

    name: str
    remark: str
    amount_minor: int
