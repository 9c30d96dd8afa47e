"""A price that contains its tax where no tax applies: it stays whole, or is reduced to its net part. Pure.

No law decides what such a price becomes: it is what seller and buyer agree on, so that the seller says it beforehand, with the
plan. The tax that the price contains is that of a sale at home, on the day and in the category of the sale.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final, Literal

from billing.tax.decision import TaxDecision, TaxParty, tax_for
from kernel.money import PPM

_WHOLE: Final = {
    "zh-CN": "价格含 {rate}% 的税，本次购买不适用税：按卖方的规定，价格不变。",
    "en": "The price contains tax at {rate} %, which does not apply to this sale. As the seller states, it stays whole.",
}
_NET: Final = {
    "zh-CN": "价格含 {rate}% 的税，本次购买不适用税：按卖方的规定，已从价格中减去这部分税。",
    "en": "The price contains tax at {rate} %, which does not apply to this sale. As the seller states, it is less that tax.",
}


def with_untaxed_price(
    decision: TaxDecision, seller: TaxParty, category: str, on: date, *, reduced: bool
) -> TaxDecision:
    """The decision with what the price contains of a tax that is not charged; `reduced`: that is taken off.

    A seller that charges none at home (exempt, or of a country without a table) has none in its prices: those stay whole.

    Raises: as `tax_for`.
    """
    if not decision.included or decision.rate_ppm:
        return decision
    home = tax_for(seller, seller, category, on, included=True)
    return replace(decision, home_rate_ppm=home.rate_ppm, reduced=reduced and home.rate_ppm > 0)


def untaxed_in_words(home_rate_ppm: int, language: Literal["zh-CN", "en"], *, reduced: bool) -> str | None:
    """What became of the tax that a price contains where none is charged; None where it contains none."""
    if not home_rate_ppm:
        return None
    return (_NET if reduced else _WHOLE)[language].format(rate=percent(home_rate_ppm))


def percent(rate_ppm: int) -> str:
    """A rate as people write it: 6, 25.5."""
    whole, rest = divmod(rate_ppm * 100, PPM)
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)
