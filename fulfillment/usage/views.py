"""What reads of usage return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What fell on one day of UTC."""

    day: date
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class DimensionUsage:
    """One dimension in the present period. `amount_minor`: what it would cost if the period ended now."""

    dimension: str
    name: str
    name_en: str
    unit: str
    unit_name: str
    """What readers call the unit; empty where it has no name."""
    unit_name_en: str
    quantity: Decimal
    included: int
    cap: Decimal | None
    cap_kind: str | None
    amount_minor: int
    currency: str
    days: tuple[DayUsage, ...]

    @property
    def percent(self) -> int | None:
        """Of the included amount, else of the cap, what is used; None without either."""
        whole = Decimal(self.included) if self.included else self.cap
        return int(self.quantity * 100 // whole) if whole else None

    @property
    def is_capped(self) -> bool:
        """Whether further events are refused."""
        return self.cap_kind == "hard" and self.cap is not None and self.quantity >= self.cap


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """What a buyer questions of a line, and what the seller says to it."""

    id: UUID
    line_id: UUID
    buyer_org_id: UUID
    buyer_name: str
    entitlement_id: UUID
    title: str
    title_en: str
    dimension: str
    name: str
    name_en: str
    quantity: Decimal
    amount_minor: int
    currency: str
    state: str
    question: str
    answer: str
    credit_minor: int
    deadline_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RatedLine:
    """A line of a closed period, and its challenge where there is one."""

    id: UUID
    kind: str
    dimension: str
    name: str
    name_en: str
    quantity: Decimal
    amount_minor: int
    currency: str
    challenge: ChallengeView | None
    explained: Mapping[str, Any]
    """How the amount came about: `marketplace.pricing.engine.PriceLine`."""


@dataclass(frozen=True, slots=True)
class RatedPeriod:
    """A closed period and what it was rated at, an `interval` long. `credited_minor`: paid by credits, the rest by an order."""

    id: UUID
    state: str
    starts_at: datetime
    ends_at: datetime
    amount_minor: int
    credited_minor: int
    is_trial: bool
    interval: str
    currency: str
    lines: tuple[RatedLine, ...]


@dataclass(frozen=True, slots=True)
class UsageView:
    """The usage of an entitlement: the present period by dimension, and those before. `is_trial`: it costs nothing now."""

    entitlement_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    title: str
    title_en: str
    starts_at: datetime | None
    ends_at: datetime | None
    amount_minor: int
    currency: str
    dimensions: tuple[DimensionUsage, ...]
    periods: tuple[RatedPeriod, ...]
    is_trial: bool


@dataclass(frozen=True, slots=True)
class CustomerUsage:
    """What a customer of the acting seller uses of a dimension in its present period."""

    entitlement_id: UUID
    buyer_org_id: UUID
    buyer_name: str
    title: str
    title_en: str
    dimension: str
    name: str
    name_en: str
    quantity: Decimal
    ends_at: datetime
