"""A line whose term is paid in instalments: what is paid of it now, and what later. Pure; the parts add up to the term."""

from __future__ import annotations

from typing import Final

from billing.refunds.allocate_refund import LineLeft, RefundPart, allocate_refund
from kernel.money import allocate
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import PriceLine, instalments
from orders.checkout.priced_line import InstalmentPart, PricedLine

LATER: Final = "later_instalments"
"""Kind of the price line that takes off what is not paid yet."""


def in_instalments(line: PricedLine) -> PricedLine:
    """The line of a whole term as its first instalment, with all of them named; as it is where that is paid in one.

    Gross is split equally, net and tax as if one part after the other went back, so that each may stand on a document of its
    own. What costs less minor units than there are instalments is paid in one, and so is a first term that is no
    whole one: the months after which its parts would be due may lie beyond its end.
    """
    price = PlanPrice.model_validate(line.price) if line.price is not None else None
    if price is None or price.instalments == 1 or line.first_term or line.gross_minor < price.instalments:
        return line
    parts = _parts(line, price)
    return _at(
        line.model_copy(
            update={
                "instalments": parts,
                "price_lines": [
                    *line.price_lines,
                    PriceLine(
                        kind=LATER,
                        quantity=str(price.instalments - 1),
                        charged=str(price.instalments - 1),
                        amount_minor=parts[0].list_minor - line.list_minor,
                    ),
                ],
            }
        ),
        parts[:1],
    )


def as_whole(line: PricedLine) -> PricedLine:
    """The line of the whole term again, as `in_instalments` was given it."""
    if not line.instalments:
        return line
    kept = [one for one in line.price_lines if one.kind != LATER]
    return _at(line.model_copy(update={"instalments": [], "price_lines": kept}), line.instalments)


def _parts(line: PricedLine, price: PlanPrice) -> list[InstalmentPart]:
    left = LineLeft(line.gross_minor, line.net_minor, line.tax_rate_ppm)
    every = price.term_months // price.instalments
    discounts = allocate(line.discount_minor, [1] * price.instalments)
    # Of a price that contains its tax, also where that is not charged and was taken off: then this is more than the gross.
    agreed = instalments(price, line.list_minor - line.discount_minor)
    found = []
    for index, gross_minor in enumerate(instalments(price, line.gross_minor)):
        part: RefundPart = allocate_refund(gross_minor, left)
        left = LineLeft(left.gross_minor - part.gross_minor, left.net_minor - part.net_minor, line.tax_rate_ppm)
        paid_minor = agreed[index] if line.tax_included else part.net_minor
        found.append(
            InstalmentPart(
                number=index + 1,
                after_months=index * every,
                list_minor=paid_minor + discounts[index],
                discount_minor=discounts[index],
                net_minor=part.net_minor,
                tax_minor=part.tax_minor,
                gross_minor=part.gross_minor,
            )
        )
    return found


def _at(line: PricedLine, parts: list[InstalmentPart]) -> PricedLine:
    names = ("list_minor", "discount_minor", "net_minor", "tax_minor", "gross_minor")
    return line.model_copy(update={name: sum(getattr(part, name) for part in parts) for name in names})
