"""A seller's coupons as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class CouponItem:
    """One of them; `end`: where it is ended, empty where it is over. A promotion has no code."""

    name: str
    code: str
    off: str
    uses: int
    most_uses: int | None
    most_per_org: int | None
    named: int
    """How many organizations it is for; 0: all."""
    with_offers: bool
    state: str
    starts_at: datetime
    until: datetime
    end: str


@dataclass(frozen=True, slots=True)
class CouponTyped:
    """What stands in the form."""

    name: str = ""
    code: str = ""
    percent: str = ""
    amount: str = ""
    currency: str = ""
    product: str = ""
    partners: str = ""
    most_uses: str = ""
    most_per_org: str = ""
    starts_on: str = ""
    ends_on: str = ""
    with_offers: str = ""


@dataclass(frozen=True, slots=True)
class CouponsView:
    """The list, and the form that makes another."""

    template: ClassVar[str] = "coupons/coupons.html"
    active: ClassVar[str] = "coupons"

    rows: tuple[CouponItem, ...]
    products: tuple[Choice, ...]
    typed: CouponTyped
    idempotency_key: str = ""
    next_address: str | None = None
    error: str = ""
    error_field: str = ""
    field_error: str = ""
    currencies: tuple[str, ...] = field(default=())
