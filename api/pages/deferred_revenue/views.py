"""Deferred revenue, as a seller and the platform see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class DeferredMonthItem:
    """A month in one currency; ``address`` shows its terms."""

    month: date
    recognised: Money
    deferred: Money
    terms: int
    address: str


@dataclass(frozen=True, slots=True)
class DeferredLineItem:
    """A prepaid term in a month."""

    number: str
    address: str
    starts_on: date
    ends_on: date
    amount: Money
    recognised: Money
    deferred: Money


@dataclass(frozen=True, slots=True)
class SellerDeferredView:
    """A seller's own sales. ``month``: whose terms are listed; None for the months themselves."""

    template: ClassVar[str] = "deferred_revenue/deferred.html"
    active: ClassVar[str] = "seller_deferred_revenue"
    side: ClassVar[str] = "seller"

    months: Sequence[DeferredMonthItem] = ()
    lines: Sequence[DeferredLineItem] = ()
    month: date | None = None
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class PlatformDeferredView(SellerDeferredView):
    """The platform's commission."""

    active: ClassVar[str] = "operator_deferred_revenue"
    side: ClassVar[str] = "platform"
