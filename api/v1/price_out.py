"""How an amount of several parts came about, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from msgspec import Meta

from api.schema import MoneyOut, Out
from kernel.money import Money
from marketplace.pricing.engine import PriceLine
from marketplace.pricing.words import line_in_words
from orders.checkout.priced_line import InstalmentPart
from orders.order.line_tier import LineTier


class PriceLineOut(Out):
    """One component's part of a line's list price. The parts add up to it."""

    kind: Annotated[str, Meta(description="The component, as in the plan's `price`")]
    code: Annotated[str, Meta(description="The dimension or the milestone")]
    name: Annotated[str, Meta(description="What readers call it; empty where it has no name")]
    name_en: str
    quantity: Annotated[str, Meta(description="Counted: seats, units; an exact decimal number")]
    charged: Annotated[str, Meta(description="Of it what is paid for")]
    times: Annotated[int, Meta(description="Intervals of the term")]
    amount: MoneyOut
    text: str
    text_en: str


class InstalmentOut(Out):
    """A part of a term's price. The first is paid with the order, each further one by itself when it is due."""

    number: Annotated[int, Meta(description="Counts from 1")]
    after_months: Annotated[int, Meta(description="After the beginning of the term")]
    net: MoneyOut
    tax: MoneyOut
    gross: MoneyOut


def instalments_out(parts: Iterable[Any], currency: str) -> tuple[InstalmentOut, ...]:
    """As a quote or an order keeps them."""
    found = (part if isinstance(part, InstalmentPart) else InstalmentPart.model_validate(part) for part in parts)
    return tuple(InstalmentOut.of_row(part, currency=currency) for part in found)


def price_lines_out(lines: Iterable[PriceLine | Mapping[str, Any]], interval: str, currency: str) -> list[PriceLineOut]:
    """Stored price lines; none of a line whose unit price times its quantity says it all."""
    found = [line if isinstance(line, PriceLine) else PriceLine.model_validate(line) for line in lines]
    return [
        PriceLineOut.of_row(
            line,
            currency=currency,
            text=line_in_words(line, interval, currency, "zh-CN"),
            text_en=line_in_words(line, interval, currency, "en"),
        )
        for line in found
    ]


class LineTierOut(Out):
    """A tier whose partner's price a line is at. `list`: what it would have cost at the plan's own; null of a renewal."""

    code: str
    name: str
    name_en: str
    list: MoneyOut | None

    @classmethod
    def of(cls, tier: LineTier | None, currency: str) -> LineTierOut | None:
        """From the line's own; None where it has none."""
        if tier is None:
            return None
        listed = None if tier.list_minor is None else MoneyOut.of_money(Money(tier.list_minor, currency.strip()))
        return cls.of_row(tier, list=listed)
