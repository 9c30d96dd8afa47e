"""A partner's price in words, beside the plan's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from api.pages.frame.site import PageRequest
from kernel.money import Money
from marketplace.pricing.offered import is_one_figure
from marketplace.pricing.words import price_in_words
from marketplace.relations.tier_prices import ShownPrice
from orders.order.line_tier import LineTier

PartnerPrices = Mapping[UUID, ShownPrice]
"""What the reader's organization pays as a partner, by the plan."""


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """What the reader's organization pays for one unit, in whose name; the plan's own price is struck through beside it.

    `sentences`: what each part costs, of a price of several.
    """

    price: Money
    listed: Money
    text: str
    sentences: tuple[str, ...] = ()
    numbers: str = ""
    """In what numbers it is ordered, where that is not one by one from one on."""
    least: int = 1
    step: int = 1


def own_price(page_request: PageRequest, shown: ShownPrice | None) -> OwnPrice | None:
    """Of a plan; None where the reader pays what everybody does."""
    if shown is None:
        return None
    tier = page_request.pick(shown.tier_name, shown.tier_name_en)
    return OwnPrice(
        Money(shown.unit_price_minor, shown.currency),
        Money(shown.list_unit_price_minor, shown.currency),
        page_request.t("partners.price", tier=tier),
        () if is_one_figure(shown.price) else tuple(price_in_words(shown.price, page_request.language)),
        numbers_in_words(page_request, shown.min_quantity, shown.quantity_step)
        if (shown.min_quantity, shown.quantity_step) != (1, 1)
        else "",
        shown.min_quantity,
        shown.quantity_step,
    )


def numbers_in_words(page_request: PageRequest, least: int, step: int) -> str:
    """From how many on it is ordered, and in what steps."""
    formats = page_request.formats
    if step == 1:
        return page_request.t("partners.from_number", least=formats.number(least))
    return page_request.t("partners.in_steps", least=formats.number(least), step=formats.number(step))


def tier_parts(page_request: PageRequest, tier: LineTier | None, currency: str) -> tuple[str, ...]:
    """Of a line that was bought at a tier's price: which, and what the plan would have cost."""
    if tier is None:
        return ()
    name = page_request.pick(tier.name, tier.name_en)
    if tier.list_minor is None:
        return (page_request.t("partners.price_kept", tier=name),)
    listed = page_request.formats.money(Money(tier.list_minor, currency.strip()))
    return (page_request.t("partners.price_of", tier=name, list=listed),)
