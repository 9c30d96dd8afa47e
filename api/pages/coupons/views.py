"""A seller's coupons as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from kernel.money import Money


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
    address: str = ""
    """Where its uses are read."""
    every_term: bool = False
    products: tuple[str, ...] = ()
    """What it is for; empty: everything on sale."""


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
    every_term: str = ""


@dataclass(frozen=True, slots=True)
class CouponUseItem:
    """An order that was paid with it."""

    number: str
    trace: str
    buyer: str
    customer: str
    state: str
    off: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class CouponDetailView:
    """One of them, with its uses where the reader may see orders (`uses` is None elsewhere)."""

    template: ClassVar[str] = "coupons/coupon.html"
    active: ClassVar[str] = "coupons"

    one: CouponItem
    uses: tuple[CouponUseItem, ...] | None
    next_address: str | None = None


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
