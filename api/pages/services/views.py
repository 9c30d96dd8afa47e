"""Services in milestones as pages show them: to their buyer beside the order, to their seller, to the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from api.pages.awaited_payments.views import AwaitedNote
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class MilestoneFileItem:
    """A file; ``remove``: where taking it back posts, as long as it was not delivered."""

    name: str
    size_bytes: int
    address: str
    remove: str = ""


@dataclass(frozen=True, slots=True)
class MilestoneRound:
    """One delivery, and what its buyer wanted done again."""

    version: int
    words: str
    at: datetime
    rework_words: str
    files: tuple[MilestoneFileItem, ...]


@dataclass(frozen=True, slots=True)
class MilestoneItem:
    """A milestone. ``says``: what it waits for and what happens then; ``acts``: what its reader may do now.

    ``typed``: what was typed before it was refused.
    """

    id: str
    number: int
    name: str
    state: str
    gross: Money
    due_at: datetime | None
    overdue_s: int
    says: str
    version: int
    rounds: tuple[MilestoneRound, ...]
    drafts: tuple[MilestoneFileItem, ...] = ()
    acts: frozenset[Literal["decide", "cancel", "deliver"]] = frozenset()
    addresses: Mapping[str, str] = field(default_factory=dict)
    typed: str = ""


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """A milestone in a list of those that wait, and for how long."""

    address: str
    number: str
    listing_name: str
    name: str
    buyer_name: str
    seller_name: str
    state: str
    gross: Money
    due_at: datetime | None
    waiting_s: int
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class ServicesView:
    """What waits of the services that a seller sold."""

    template: ClassVar[str] = "services/services.html"
    active: ClassVar[str] = "seller_services"

    rows: tuple[WaitingItem, ...]


@dataclass(frozen=True, slots=True)
class StuckServicesView(ServicesView):
    """What waits of all services, for the platform."""

    active: ClassVar[str] = "operator_services"


@dataclass(frozen=True, slots=True)
class ServicePage:
    """A sold order of services. ``to_take_on``: until when it waits for the seller's word."""

    template: ClassVar[str] = "services/service.html"
    active: ClassVar[str] = "seller_services"

    order_id: str
    number: str
    state: str
    listing_name: str
    buyer_name: str
    gross: Money
    milestones: tuple[MilestoneItem, ...]
    max_bytes: int
    accept: str
    may_deliver: bool = False
    to_take_on: datetime | None = None
    #: That it is bought on account and not paid.
    awaited: AwaitedNote | None = None
    reason: str = ""
    failure: str = ""
    error: str = ""
    #: Which milestone the refusal is about.
    error_at: str = ""
