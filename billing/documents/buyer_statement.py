"""A buyer's monthly statement (月度对账单) as a pure value: what it ordered, paid, got back and was invoiced. No tax document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from billing.documents.model import Language
from billing.documents.parties import DocumentParty, Period, cleaned
from kernel.errors import Invalid
from kernel.money import exponent

SECTIONS: Final = ("orders", "payments", "refunds", "invoices", "open")
ROWS_MOST: Final = 2_000
"""On paper; all of them are in the data file, whose digest the paper names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerStatementLine:
    """One fact."""

    on: date
    number: str
    party: str
    amount_minor: int

    def __post_init__(self) -> None:
        cleaned(self, {"number": 140, "party": 300})


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerStatementSection:
    """The facts of one kind in one currency. `left_out`: how many are in the data file alone."""

    kind: str
    currency: str
    lines: tuple[BuyerStatementLine, ...]
    total_minor: int
    left_out: int = 0

    def __post_init__(self) -> None:
        if self.kind not in SECTIONS:
            raise Invalid("document_line_needs_name", field="kind")
        try:
            exponent(self.currency)
        except ValueError as error:
            raise Invalid("currency_unknown", field="currency") from error
        if not self.left_out and sum(line.amount_minor for line in self.lines) != self.total_minor:
            raise Invalid("document_total_differs", field="total_minor")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerStatementDocument:
    """A month of one buyer, with the digests by which it can be checked. Raises Invalid: a text too long, no number."""

    number: str
    issued_on: date
    period: Period
    language: Language
    seller: DocumentParty
    """Who states it: the platform."""
    buyer: DocumentParty
    sections: tuple[BuyerStatementSection, ...]
    content_sha256: str
    previous_hash: str
    hash: str
    verification_url: str
    sandbox: bool

    def __post_init__(self) -> None:
        cleaned(
            self,
            {"number": 60, "content_sha256": 64, "previous_hash": 64, "hash": 64, "verification_url": 500},
        )
        if not self.number:
            raise Invalid("document_needs_number", field="number")
