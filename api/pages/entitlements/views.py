"""What was bought and who uses it, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class SeatItem:
    """A member's place; ``member_id`` is what revoking names."""

    member_id: str
    name: str
    email: str
    assigned_at: datetime


@dataclass(frozen=True, slots=True)
class MemberChoice:
    """A member without a seat."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class SubscriptionPanel:
    """Until when it is paid for and what follows. ``price``: of the next term, written, where it has been told."""

    id: str
    state: str
    auto_renew: bool
    ends_at: datetime
    renews_at: datetime | None
    price: str | None
    renewal_order_id: str | None
    may_switch: bool
    term: str = ""
    """How long the next term is, in words."""
    may_buy: bool = False
    """Whether the reader may buy what follows the trial that it is in."""
    methods: tuple[Choice, ...] = ()
    """How, where the trial began without a method."""


@dataclass(frozen=True, slots=True)
class EntitlementView:
    """What the organization may use now, and who of it. ``quantity`` 0: sold without seats, for everybody in it."""

    template: ClassVar[str] = "entitlements/entitlement.html"
    active: ClassVar[str] = "entitlements"

    id: str
    listing_id: str
    listing_name: str
    plan_name: str
    seller_name: str
    state: str
    quantity: int
    valid_from: datetime | None
    valid_until: datetime | None
    seats: tuple[SeatItem, ...]
    candidates: tuple[MemberChoice, ...]
    may_assign: bool
    may_launch: bool
    order_id: str
    subscription: SubscriptionPanel | None = None
    data_kept_days: int | None = None
    data_kept_until: datetime | None = None
    data_are_gone: bool = False
    """Whether the seller need not keep them any more."""
    is_metered: bool = False
    is_course: bool = False
    allocated: int = 0
    """Of its seats, those that subsidiaries have."""
    end_customer: str = ""
    """Who uses it, where the organization ordered it as a dealer."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EntitlementItem:
    """One entitlement in the list."""

    id: str
    listing_name: str
    plan_name: str
    seller_name: str
    state: str
    used_seats: int
    quantity: int
    valid_until: datetime | None
    may_launch: bool


@dataclass(frozen=True, slots=True)
class AllocatedItem:
    """Seats that the reader's headquarters allocated, or what a dealer ordered for it, in the list."""

    address: str
    what: str
    hq: str
    state: str
    used: int
    quantity: int
    until: datetime | None
    launch: str


@dataclass(frozen=True, slots=True)
class EntitlementsView:
    """Everything the organization may use."""

    template: ClassVar[str] = "entitlements/entitlements.html"
    active: ClassVar[str] = "entitlements"

    rows: tuple[EntitlementItem, ...]
    next_address: str | None = None
    allocated: tuple[AllocatedItem, ...] = ()
    """Seats that the organization's headquarters allocated, and what dealers ordered for it."""
