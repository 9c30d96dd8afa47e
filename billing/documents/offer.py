"""An offer (报价单) as a pure value: what a seller offers a buyer, at which prices and until when. No tax document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from billing.documents.model import Language
from billing.documents.parties import DocumentParty, cleaned
from kernel.errors import Invalid
from kernel.money import exponent

PRICE_UNITS: Final = ("seat/month", "seat/quarter", "seat/year", "month", "quarter", "year", "once", "first_term")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDocumentLine:
    """One plan. Amounts contain the tax where `tax_included`; `at_least`: the buyer may take more than `quantity`.

    A price of several parts is that of the first term in all; `details` say what each part costs, and how the amount comes about.
    """

    name: str
    note: str
    price_unit: str
    quantity: int
    at_least: bool
    unit_price_minor: int
    list_price_minor: int
    total_minor: int
    tax_included: bool
    untaxed_net: bool = False
    """Whether it is paid less its tax where none applies."""
    details: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        cleaned(self, {"name": 300, "note": 300})
        if self.price_unit not in PRICE_UNITS:
            raise Invalid("document_price_unit_unknown", field="price_unit")
        times = 1 if self.price_unit == "first_term" else self.quantity
        if self.unit_price_minor * times != self.total_minor:
            raise Invalid("offer_line_total_differs", field="total_minor")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDocument:
    """An offer of one seller to one buyer, in minor units of one currency.

    Raises:
        Invalid: a text too long, or a total that is not the sum of its lines.
    """

    number: str
    issued_on: date
    valid_on: date
    """The last day on which it can be accepted."""
    currency: str
    language: Language
    seller: DocumentParty
    buyer: DocumentParty
    lines: tuple[OfferDocumentLine, ...]
    total_minor: int
    terms: str = ""

    def __post_init__(self) -> None:
        cleaned(self, {"number": 60, "terms": 4000})
        if not self.number:
            raise Invalid("document_needs_number", field="number")
        try:
            exponent(self.currency)
        except ValueError as error:
            raise Invalid("currency_unknown", field="currency") from error
        if sum(line.total_minor for line in self.lines) != self.total_minor:
            raise Invalid("offer_total_differs", field="total_minor")
