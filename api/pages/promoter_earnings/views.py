"""What members by their links and channels by their videos brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class BringerItem:
    """One of them. ``amounts``: what was earned and what of it was paid, by currency. ``address``: of a channel."""

    kind: str
    name: str
    views: int | None
    visits: int | None
    orders: int
    amounts: tuple[tuple[Money, Money], ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class PromoterEarningsView:
    """All of them, and what all rows are together, by currency."""

    template: ClassVar[str] = "promoter_earnings/earnings.html"
    active: ClassVar[str] = "promoter"

    rows: tuple[BringerItem, ...]
    totals: tuple[tuple[Money, Money], ...] = ()
