"""A pro-forma invoice (形式发票) as a pure value: what a purchase will cost, for who releases the money. No tax document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.documents.model import Language
from billing.documents.parties import DocumentParty, cleaned
from kernel.errors import Invalid
from kernel.money import exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class ProFormaLine:
    """One plan at its whole price, with the tax as it would be decided."""

    seller_name: str
    name: str
    note: str
    quantity: int
    net_minor: int
    tax_rate_ppm: int
    tax_minor: int
    gross_minor: int

    def __post_init__(self) -> None:
        cleaned(self, {"seller_name": 300, "name": 300, "note": 1000})
        if self.net_minor + self.tax_minor != self.gross_minor:
            raise Invalid("document_line_gross_differs", field="gross_minor", name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProFormaDocument:
    """What a quote or an unpaid purchase comes to, in minor units of one currency.

    Raises:
        Invalid: a text too long, no number, no lines, an unknown currency, a total that is not the sum of its lines.
    """

    number: str
    issued_on: date
    valid_on: date | None
    """The last day on which the price stands; None where it is ordered already and waits for its money."""
    currency: str
    language: Language
    seller: DocumentParty
    """Who draws it up: the platform, for the sellers on its lines."""
    buyer: DocumentParty
    lines: tuple[ProFormaLine, ...]
    net_minor: int
    tax_minor: int
    gross_minor: int
    sandbox: bool
    order_ref: str = ""
    purchase_order: str = ""

    def __post_init__(self) -> None:
        cleaned(self, {"number": 60, "order_ref": 400, "purchase_order": 80})
        if not self.number:
            raise Invalid("document_needs_number", field="number")
        if not self.lines:
            raise Invalid("document_line_count", field="lines", limit=len(self.lines))
        try:
            exponent(self.currency)
        except ValueError as error:
            raise Invalid("currency_unknown", field="currency") from error
        for field in ("net_minor", "tax_minor", "gross_minor"):
            if sum(getattr(line, field) for line in self.lines) != getattr(self, field):
                raise Invalid("document_total_differs", field=field)
