"""What is invoiced: lines, and their sums per tax category and rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.documents.parties import Period, cleaned
from kernel.errors import Invalid
from kernel.money import PPM, half_up, round_decimal

UNIT_CODES: Final = frozenset(
    ["C62", "EA", "H87", "LS", "MON", "ANN", "DAY", "WEE", "HUR", "MIN", "E49", "E34", "E35", "4L", "AD"]
)
"""UN/ECE Recommendation 20 codes in use here: one, each, piece, lump sum, month, year, day, week, hour, minute, working
day, gigabyte, terabyte, megabyte, byte."""

_PRICE_DIGITS_MAX: Final = 13
"""Digits after the point of a unit price, in the currency's minor unit; Chinese e-invoices allow as many."""


_QUANTITY_MAX: Final = Decimal(10) ** 9
_PRICE_MAX: Final = Decimal(10) ** 14


class TaxCategory(StrEnum):
    """UNTDID 5305 codes as EN 16931 BT-118 and BT-151 use them."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    OUT_OF_SCOPE = "O"


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line: quantity × unit price = net, and the tax on it. Amounts in minor units of the document's currency.

    Amounts of a credit note are positive, as in EN 16931 with type code 381: the document's kind says the direction. A
    negative quantity gives a line that reduces its own document (a proration credit).
    """

    name: str
    quantity: Decimal
    unit_price_minor: Decimal
    """Price of one unit without tax, in minor units; may be finer than one of them."""
    net_minor: int
    tax_category: TaxCategory
    tax_rate_ppm: int
    tax_minor: int
    gross_minor: int
    description: str = ""
    unit: str = ""
    """The unit as people say it, for the paper: 席位, seat-month."""
    unit_code: str = "C62"
    """The unit as machines say it: UN/ECE Recommendation 20."""
    period: Period | None = None
    exemption_reason: str = ""
    order_ref: str = ""
    """On a consolidated document: the number of the order that it is of, and what the buyer's books call that."""
    order_details: str = ""

    def __post_init__(self) -> None:
        cleaned(self, {"name": 300, "description": 1000, "unit": 40, "exemption_reason": 300})
        cleaned(self, {"order_ref": 80, "order_details": 200})
        if not self.name:
            raise Invalid("document_line_needs_name", field="name")
        if self.unit_code not in UNIT_CODES:
            raise Invalid("document_unit_unknown", field="unit_code", unit=self.unit_code)
        self._check_money()

    def _check_money(self) -> None:
        if not self.quantity.is_finite() or self.quantity == 0:
            raise Invalid("document_quantity_zero", field="quantity")
        # EN 16931 BR-27: the item net price is never negative; a reduction has a negative quantity.
        if not self.unit_price_minor.is_finite() or self.unit_price_minor < 0:
            raise Invalid("document_price_negative", field="unit_price_minor")
        if abs(self.quantity) > _QUANTITY_MAX or self.unit_price_minor > _PRICE_MAX:
            raise Invalid("document_quantity_too_large", field="quantity")
        # EN 16931 leaves this open (BT-131 is not derived by any rule), so that it has to be ours.
        if round_decimal(self.quantity * self.unit_price_minor) != self.net_minor:
            raise Invalid("document_line_net_differs", field="net_minor", name=self.name)
        if self.net_minor + self.tax_minor != self.gross_minor:
            raise Invalid("document_line_gross_differs", field="gross_minor", name=self.name)
        taxed = self.tax_category is TaxCategory.STANDARD
        if taxed != (self.tax_rate_ppm > 0) or self.tax_rate_ppm < 0:
            raise Invalid("document_rate_contradicts_category", field="tax_rate_ppm", category=self.tax_category.value)
        # Prices that include tax are rounded on the net; the tax is the rest and may be off by less than one unit. The
        # last of several refunds takes what the others have left: see `refunds.parts`.
        if abs(self.tax_minor * PPM - self.net_minor * self.tax_rate_ppm) > PPM + self.tax_rate_ppm:
            raise Invalid("document_tax_contradicts_rate", field="tax_minor", name=self.name)


@dataclass(frozen=True, slots=True)
class TaxSubtotal:
    """The sums of all lines of one tax category and rate (EN 16931 BG-23)."""

    category: TaxCategory
    rate_ppm: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    reason: str


def tax_breakdown(lines: Iterable[DocumentLine]) -> tuple[TaxSubtotal, ...]:
    """Sum `lines` per tax category and rate, highest rate first; a group's reason is the first given on its lines."""
    groups: dict[tuple[TaxCategory, int], list[DocumentLine]] = {}
    for line in lines:
        groups.setdefault((line.tax_category, line.tax_rate_ppm), []).append(line)
    order = list(TaxCategory)
    ranked = sorted(groups.items(), key=lambda item: (order.index(item[0][0]), -item[0][1]))
    return tuple(
        TaxSubtotal(
            category=category,
            rate_ppm=rate_ppm,
            net_minor=sum(line.net_minor for line in group),
            tax_minor=sum(line.tax_minor for line in group),
            gross_minor=sum(line.gross_minor for line in group),
            reason=next((line.exemption_reason for line in group if line.exemption_reason), ""),
        )
        for (category, rate_ppm), group in ranked
    )


def unit_price_of(net_minor: int, quantity: Decimal) -> Decimal:
    """The shortest unit price, in minor units, that times `quantity` rounds to `net_minor`.

    For prices that include tax, where the net of the line is what was agreed and the price of one unit follows from it.

    Raises:
        Invalid: `document_quantity_zero`; `document_price_negative` when net and quantity have different signs.
    """
    if quantity == 0:
        raise Invalid("document_quantity_zero", field="quantity")
    if net_minor * quantity < 0:
        raise Invalid("document_price_negative", field="unit_price_minor")
    numerator, denominator = quantity.as_integer_ratio()
    for digits in range(_PRICE_DIGITS_MAX + 1):
        scaled = half_up(abs(net_minor) * denominator * 10**digits, abs(numerator))
        price = Decimal(scaled).scaleb(-digits)
        if round_decimal(price * quantity) == net_minor:
            return price
    raise Invalid("document_quantity_too_large", field="quantity")
