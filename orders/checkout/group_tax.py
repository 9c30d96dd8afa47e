"""Lines of a currency without a minor unit bear their tax together, per seller and rate, as their invoice will say it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from billing.tax.group_tax import tax_by_group
from billing.tax.line_amounts import LineAmounts
from kernel.money import exponent
from orders.checkout.priced_line import PricedLine


def taxed_together(lines: Sequence[PricedLine]) -> list[PricedLine]:
    """The lines of a quote with the tax that each seller's invoice adds up to.

    A line that begins a trial, or is paid in instalments, has invoices of its own.
    """
    found = list(lines)
    groups: dict[Any, list[int]] = defaultdict(list)
    for place, line in enumerate(found):
        if exponent(line.currency) == 0 and line.tax_rate_ppm and not line.instalments and line.trial is None:
            key = (line.order_key, line.tax_category, line.tax_rate_ppm, line.tax_included)
            groups[key].append(place)
    for (*_, rate_ppm, included), places in groups.items():
        if len(places) == 1:
            continue
        together = tax_by_group([_amounts(found[place]) for place in places], rate_ppm, included=included)
        for place, amounts in zip(places, together, strict=True):
            changed = {name: getattr(amounts, name) for name in ("net_minor", "tax_minor", "gross_minor")}
            found[place] = found[place].model_copy(update=changed)
    return found


def _amounts(line: PricedLine) -> LineAmounts:
    return LineAmounts(line.list_minor, line.discount_minor, line.net_minor, line.tax_minor, line.gross_minor)
