"""The amounts of one line: list, discount, net, tax, gross. Each rounding happens once, here."""

from __future__ import annotations

from dataclasses import dataclass

from billing.tax.decision import TaxDecision
from kernel.errors import Invalid
from kernel.money import apply_ppm, net_of_included

LARGEST_MINOR = 10**15
"""Bound of a line: far above any sale, far below what a BIGINT holds after multiplication by ppm in Python."""


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """Minor units. List and discount contain tax exactly when the price does; net + tax = gross.

    Where no tax is charged and the price is reduced, list and discount still contain that of home: gross is their net part.
    """

    list_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    gross_minor: int


def line_amounts(list_minor: int, discount_minor: int, decision: TaxDecision) -> LineAmounts:
    """Break a line's price down.

    Tax included: net = round(gross over (1 + rate)), tax = gross - net. Otherwise: tax = round(net x rate).
    Tax included, none charged and the price reduced: net = round(price over (1 + rate at home)), and that is all.

    Raises:
        Invalid: `price_out_of_range` or `discount_exceeds_price`.
    """
    if not 0 <= list_minor <= LARGEST_MINOR:
        raise Invalid("price_out_of_range", field="quantity")
    if not 0 <= discount_minor <= list_minor:
        raise Invalid("discount_exceeds_price", field="discount")
    agreed_minor = list_minor - discount_minor
    if decision.included:
        net_minor = net_of_included(agreed_minor, decision.contained_ppm)
        if decision.reduced:
            return LineAmounts(list_minor, discount_minor, net_minor, 0, net_minor)
        return LineAmounts(list_minor, discount_minor, net_minor, agreed_minor - net_minor, agreed_minor)
    tax_minor = apply_ppm(agreed_minor, decision.rate_ppm)
    return LineAmounts(list_minor, discount_minor, agreed_minor, tax_minor, agreed_minor + tax_minor)
