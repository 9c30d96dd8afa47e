"""Promoter plans, as a seller and as a promoter see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import COMMON_CURRENCIES, Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class PromoterItem:
    """A promoter's place in a plan; acts are addresses, empty where the reader has not that choice."""

    id: str
    name: str
    state: str
    counts_from: datetime | None
    answer: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class PromoterPlanItem:
    """A plan. Its chain is named to the seller alone."""

    id: str
    seller_name: str
    listing_name: str
    listing_address: str
    kind: str
    rate_ppm: int
    promoter_ppm: int
    chain: tuple[tuple[str, str, int], ...]
    """Role, name and rate of those who have a part of promotion beside the promoter."""
    order_cap: Money | None
    month_cap: Money | None
    state: str
    starts_at: datetime
    ends_at: datetime | None
    members: tuple[PromoterItem, ...] = ()
    invite: str = ""
    end: str = ""
    apply: str = ""


@dataclass(frozen=True, slots=True)
class TypedPromoterPlan:
    """The form of a plan, as it was typed."""

    listing_id: str = ""
    kind: str = "general"
    rate: str = ""
    distributor: str = ""
    distributor_rate: str = ""
    service: str = ""
    service_rate: str = ""
    order_cap: str = ""
    month_cap: str = ""
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class SellerPromoterPlansView:
    """A seller's plans, the newest first, and the form of another."""

    template: ClassVar[str] = "promoter_plans/seller_plans.html"
    active: ClassVar[str] = "seller_promoter_plans"

    rows: tuple[PromoterPlanItem, ...]
    listings: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    idempotency_key: str
    typed: TypedPromoterPlan = TypedPromoterPlan()
    currencies: tuple[Choice, ...] = tuple(Choice(one, one) for one in COMMON_CURRENCIES)
    next_address: str | None = None
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class PromoterPlansView:
    """What may be promoted under which terms, the newest first."""

    template: ClassVar[str] = "promoter_plans/plans.html"
    active: ClassVar[str] = "promoter_plans"

    rows: tuple[PromoterPlanItem, ...]
    next_address: str | None = None
    error: str = ""
