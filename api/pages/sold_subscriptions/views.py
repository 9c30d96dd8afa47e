"""What customers subscribed to, as pages show it to the seller; and what is stuck, to the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.charts import BarChart
from api.pages.subscriptions.views import LifeEntry
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class SoldItem:
    """One in the list. ``quantity`` 0: not sold by seats. ``net``: what its latest term was sold for."""

    id: str
    customer: str
    customer_name: str
    listing_name: str
    plan_name: str
    state: str
    used: int
    quantity: int
    ends_at: datetime
    auto_renew: bool
    net: Money


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A month in one currency: of each movement how many, and what they came to."""

    month: date
    cells: tuple[tuple[int, Money | None], ...]


@dataclass(frozen=True, slots=True)
class SoldSubscriptionsView:
    """``due``: the days within which the paid term ends that the list is narrowed to, 0 for all of them."""

    template: ClassVar[str] = "sold_subscriptions/sold_subscriptions.html"
    active: ClassVar[str] = "seller_subscriptions"

    due: int
    choices: tuple[int, ...]
    rows: tuple[SoldItem, ...]
    movements: tuple[str, ...]
    months: tuple[MovementRow, ...]
    charts: tuple[BarChart, ...]
    customer: str = ""
    next_address: str | None = None
    trials: bool = False


@dataclass(frozen=True, slots=True)
class SoldSubscriptionPage:
    """One that a customer has subscribed to, with its line."""

    template: ClassVar[str] = "sold_subscriptions/sold_subscription.html"
    active: ClassVar[str] = "seller_subscriptions"

    one: SoldItem
    seller_name: str
    order: str
    life: tuple[LifeEntry, ...]


@dataclass(frozen=True, slots=True)
class AnySubscriptionPage(SoldSubscriptionPage):
    """The same for the platform."""

    active: ClassVar[str] = "operator_subscriptions"


@dataclass(frozen=True, slots=True)
class StuckItem:
    """One that does not go on by itself, and for how long."""

    address: str
    stuck: str
    listing_name: str
    buyer_name: str
    seller_name: str
    detail: str
    waiting_s: int


@dataclass(frozen=True, slots=True)
class StuckView:
    """``counts``: of each kind how many, and for how long the oldest has been so."""

    template: ClassVar[str] = "sold_subscriptions/stuck.html"
    active: ClassVar[str] = "operator_subscriptions"

    kinds: tuple[str, ...]
    current: str
    counts: tuple[tuple[str, int, int], ...]
    rows: tuple[StuckItem, ...]
