"""What became of a price that contains its tax where none was charged, as an order line keeps it with its plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from billing.tax.untaxed import percent, untaxed_in_words
from kernel.money import net_of_included


@dataclass(frozen=True, slots=True)
class UntaxedPrice:
    """`home_rate_ppm`: of the tax that the price contains, 0 where it contains none or its tax was charged. `reduced`: that is
    taken off; else the price stayed whole.
    """

    home_rate_ppm: int = 0
    reduced: bool = False

    def as_charged(self, amount_minor: int) -> int:
        """What is paid of an amount of the price."""
        return net_of_included(amount_minor, self.home_rate_ppm) if self.reduced else amount_minor

    def in_words(self, language: Literal["zh-CN", "en"]) -> str | None:
        """For whoever reads an order; None where there is nothing to say."""
        return untaxed_in_words(self.home_rate_ppm, language, reduced=self.reduced)

    @property
    def kept_as(self) -> str | None:
        """`whole` or `net`, as a plan says it; None where there is nothing to say."""
        return ("net" if self.reduced else "whole") if self.home_rate_ppm else None

    @property
    def on_paper(self) -> str:
        """For a document's line, in words of both languages; empty where there is nothing to say."""
        if not self.home_rate_ppm:
            return ""
        rate = percent(self.home_rate_ppm)
        if self.reduced:
            return f" · 含税价已减去 {rate}% 的税 Price less its {rate} % tax"
        return f" · 含税价（{rate}%）不变 Price with {rate} % tax stays whole"


NOTHING_UNTAXED = UntaxedPrice()
"""Of a line whose tax was charged, or whose price contains none."""


def untaxed_of(plan: Mapping[str, Any]) -> UntaxedPrice:
    """Of an order line's plan."""
    return UntaxedPrice(int(plan.get("home_rate_ppm") or 0), plan.get("untaxed_price") == "net")
