"""Usage as pages show it: the present period by dimension and by day, rated periods, what is questioned of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.charts import BarChart
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class DayItem:
    """A day and what fell on it, written."""

    day: date
    quantity: str


@dataclass(frozen=True, slots=True)
class DimensionItem:
    """One dimension in the present period. `percent`: of the included amount, else of the cap."""

    dimension: str
    name: str
    unit: str
    quantity: str
    included: str
    percent: int | None
    cap: str
    cap_kind: str
    is_capped: bool
    amount: Money
    days: tuple[DayItem, ...]
    chart: BarChart


@dataclass(frozen=True, slots=True)
class ChallengeItem:
    """What a buyer questions. `answer_address`: where the seller decides; empty for everybody else."""

    state: str
    question: str
    answer: str
    credit: Money
    deadline_at: datetime
    buyer_name: str = ""
    listing_name: str = ""
    dimension_name: str = ""
    quantity: str = ""
    amount: Money | None = None
    answer_address: str = ""
    usage_address: str = ""
    typed_credit: str = ""
    typed_answer: str = ""
    error: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class LineItem:
    """A line of a closed period. `how`: in words how its amount came about."""

    id: str
    kind: str
    name: str
    quantity: str
    amount: Money
    challenge: ChallengeItem | None
    may_question: bool
    how: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True)
class PeriodItem:
    """A closed period: what of it was paid by credits, and the order that asked for the rest."""

    state: str
    starts_at: datetime
    ends_at: datetime
    amount: Money
    lines: tuple[LineItem, ...]
    credited: Money | None = None
    is_trial: bool = False
    order_state: str = ""
    order_number: str = ""
    order_address: str = ""


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Usage of an entitlement, for its buyer or, where `sells`, its seller."""

    template: ClassVar[str] = "usage/usage.html"
    active: ClassVar[str] = "entitlements"

    id: str
    listing_name: str
    starts_at: datetime | None
    ends_at: datetime | None
    amount: Money
    dimensions: tuple[DimensionItem, ...]
    periods: tuple[PeriodItem, ...]
    sells: bool = False
    may_cap: bool = False
    is_trial: bool = False
    typed_dimension: str = ""
    typed_quantity: str = ""
    typed_kind: str = "soft"
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerUsageItem:
    """What a customer uses of a dimension."""

    address: str
    buyer_name: str
    listing_name: str
    dimension_name: str
    quantity: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SellerUsageView:
    """What the seller's customers use, and what they question."""

    template: ClassVar[str] = "usage/seller_usage.html"
    active: ClassVar[str] = "seller_customers"

    rows: tuple[CustomerUsageItem, ...]
    challenges: tuple[ChallengeItem, ...]
    may_answer: bool
