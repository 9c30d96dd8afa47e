"""Groups of organizations, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class RightItem:
    """A right, whether it is given or asked for, and the name of its box in a form."""

    name: str
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
class GroupView:
    """An organization's headquarters and subsidiaries, and the form that asks for either."""

    template: ClassVar[str] = "groups/group.html"
    active: ClassVar[str] = "own_group"

    address: str
    rows: tuple[GroupItem, ...]
    rights: tuple[RightItem, ...]
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
