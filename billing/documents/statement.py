"""The settlement statement (结算单) as a pure value: what a party earned in a period and what it is paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from billing.documents.model import Language
from billing.documents.parties import DocumentParty, Period, cleaned
from kernel.errors import Invalid
from kernel.money import exponent

COLUMNS: Final = (
    "gross_minor",
    "refunds_minor",
    "commission_minor",
    "promoter_minor",
    "commission_tax_minor",
    "adjustments_minor",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDocumentLine:
    """One order's part in a statement. Amounts are signed from the party's side: what lowers its net is negative."""

    occurred_on: date
    order_ref: str
    description: str
    net_minor: int
    gross_minor: int = 0
    refunds_minor: int = 0
    commission_minor: int = 0
    promoter_minor: int = 0
    commission_tax_minor: int = 0
    adjustments_minor: int = 0

    def __post_init__(self) -> None:
        cleaned(self, {"order_ref": 80, "description": 300})
        if sum(getattr(self, column) for column in COLUMNS) != self.net_minor:
            raise Invalid("statement_line_net_differs", field="net_minor", order=self.order_ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDocument:
    """A closed settlement period of one party in one currency, in minor units, signed from the party's side.

    Net = carry-over + gross + refunds + commission + promoter + tax on commission + adjustments.

    Raises:
        Invalid: a text too long, or a column or the net that is not the sum it says it is.
    """

    number: str
    issued_on: date
    currency: str
    language: Language
    platform: DocumentParty
    party: DocumentParty
    period: Period
    lines: tuple[StatementDocumentLine, ...]
    carry_over_minor: int
    gross_minor: int
    refunds_minor: int
    commission_minor: int
    promoter_minor: int
    commission_tax_minor: int
    adjustments_minor: int
    net_minor: int
    sandbox: bool
    payout_ref: str = ""
    payout_on: date | None = None
    remarks: str = ""
    verification_url: str = ""

    def __post_init__(self) -> None:
        cleaned(self, {"number": 60, "payout_ref": 140, "remarks": 2000, "verification_url": 500})
        if not self.number:
            raise Invalid("document_needs_number", field="number")
        try:
            exponent(self.currency)
        except ValueError as error:
            raise Invalid("currency_unknown", field="currency") from error
        for column in COLUMNS:
            if sum(getattr(line, column) for line in self.lines) != getattr(self, column):
                raise Invalid("statement_total_differs", field=column)
        if self.carry_over_minor + sum(getattr(self, column) for column in COLUMNS) != self.net_minor:
            raise Invalid("statement_net_differs", field="net_minor")
