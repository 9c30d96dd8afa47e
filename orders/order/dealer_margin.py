"""What a dealer earns of a line that it ordered for an end customer, where that one pays it the plan's own price. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.money import PPM, half_up


@dataclass(frozen=True, slots=True)
class DealerMargin:
    """Between the plan's price and what the dealer pays, both with or both without tax as the price is; minor units of the line.

    As it was bought: what goes back later is its refund's.
    """

    list_minor: int
    """What the same costs at the plan's price, nothing off."""
    paid_minor: int
    """What the dealer pays for it, with what a coupon takes off; of a term in instalments, all of them."""

    @property
    def minor(self) -> int:
        """The difference."""
        return self.list_minor - self.paid_minor

    @property
    def ppm(self) -> int:
        """Of the plan's price, rounded half up; 0 where that is nothing."""
        return half_up(self.minor * PPM, self.list_minor) if self.list_minor else 0


def margin_at_list(plan: Mapping[str, Any], list_minor: int, discount_minor: int) -> DealerMargin | None:
    """Of an order's line, by what was fixed in it (`OrderLine.plan`) and its own amounts.

    None of what is for no end customer, at no tier's price, or at what was agreed before: a further term or instalment, more
    seats and usage are compared with no price (`LineTier.list_minor`).
    """
    tier = plan.get("tier")
    if not plan.get("end_customer") or not tier or tier["list_minor"] is None:
        return None
    parts = plan.get("instalments") or [{"list_minor": list_minor, "discount_minor": discount_minor}]
    return DealerMargin(tier["list_minor"], sum(one["list_minor"] - one["discount_minor"] for one in parts))
