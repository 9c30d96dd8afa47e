"""Groups of organizations, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class RightItem:
    """A right, whether it is given or asked for, and the name of its box in a form."""

    code: str
    given: bool


@dataclass(frozen=True, slots=True)
class GroupItem:
    """A membership in the list of either side; acts are addresses, empty where the reader has not that choice."""

    id: str
    name: str
    state: str
    is_hq: bool
    asked_by_you: bool
    rights: tuple[RightItem, ...]
    at: datetime
    address: str = ""
    accept: str = ""
    accept_rights: str = ""
    """Where a subsidiary accepts with the rights that it chooses."""
    decline: str = ""
    withdraw: str = ""
    change: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class AllocationItem:
    """Seats of a product that a subsidiary has; `save` is where another number is said, empty where the reader may not."""

    id: str
    entitlement_id: str
    member: str
    member_address: str
    what: str
    seller: str
    state: str
    seats: int
    used: int
    until: datetime | None
    save: str = ""
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupView:
    """An organization's headquarters and subsidiaries, and the form that asks for either."""

    template: ClassVar[str] = "groups/group.html"
    active: ClassVar[str] = "own_group"

    address: str
    rows: tuple[GroupItem, ...]
    rights: tuple[RightItem, ...]
    allocations: tuple[AllocationItem, ...] = ()
    files: tuple[str, ...] = ()
    """Addresses of the same as CSV and as a workbook."""
    who: str = ""
    as_hq: bool = True
    next_address: str | None = None
    idempotency_key: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class MemberOrderItem:
    """An order of a subsidiary."""

    number: str
    what: str
    seller: str
    state: str
    gross: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class MemberUseItem:
    """What a subsidiary bought itself and uses."""

    what: str
    seller: str
    state: str
    seats: int
    used: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class MemberView:
    """A subsidiary as its headquarters reads it: what its rights show, and nothing else."""

    template: ClassVar[str] = "groups/member.html"
    active: ClassVar[str] = "own_group"

    group: str
    one: GroupItem
    sees_orders: bool
    sees_usage: bool
    orders: tuple[MemberOrderItem, ...] = ()
    more_orders: bool = False
    used: tuple[MemberUseItem, ...] = ()
    more_used: bool = False
    allocations: tuple[AllocationItem, ...] = ()
    products: tuple[Choice, ...] = ()
    """Of which seats may be allocated; none where the reader or the right does not allow it."""
    allocate: str = ""
    product: str = ""
    number: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class AllocatedSeatItem:
    """A member's place out of what was allocated."""

    id: str
    name: str
    email: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AllocatedView:
    """Seats that one's headquarters allocated, or what a dealer ordered for one, as the organization gives them to members."""

    template: ClassVar[str] = "groups/allocated.html"
    active: ClassVar[str] = "entitlements"

    what: str
    seller: str
    hq: str
    state: str
    number: int
    until: datetime | None
    seats: tuple[AllocatedSeatItem, ...]
    candidates: tuple[Choice, ...]
    may_assign: bool
    address: str
    launch: str = ""
    ended_for: str = ""
    error: str = ""
    by_dealer: bool = False
