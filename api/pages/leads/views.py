"""Requests as pages show them: the form that asks, the buyer's list, the seller's board, and one request for both."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from api.pages.offers.views import OfferItem, OfferTyped


@dataclass(frozen=True, slots=True)
class AskTyped:
    """What stands in the form."""

    text: str = ""
    quantity: str = ""
    contact_name: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    slot: str = ""
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class AskSellerView:
    """The form of one kind of request, as a page and (part ``ask``) in the sheet of its card.

    `is_asked`: the organization asks for it already. `field_error` is said at `error_field`, `error` above the form.
    """

    template: ClassVar[str] = "leads/ask.html"
    active: ClassVar[str] = "requests"

    kind: str
    address: str
    back: str
    listing_name: str
    seller_name: str
    consent: str
    consent_version: str
    typed: AskTyped
    placement_id: str = ""
    second: int = 0
    slots: tuple[Choice, ...] = ()
    is_asked: bool = False
    in_sheet: bool = False
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class FollowContactView:
    """The form that follows a channel and lets its seller get in touch. `asked`: the request that is open already."""

    template: ClassVar[str] = "leads/contact.html"
    active: ClassVar[str] = "requests"

    address: str
    back: str
    channel_name: str
    seller_name: str
    consent: str
    consent_version: str
    typed: AskTyped
    products: tuple[Choice, ...]
    chosen: str = ""
    asked: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class LeadItem:
    """A request in a list. `other` is the other side's organization."""

    address: str
    kind: str
    state: str
    what: str
    other: str
    at: datetime
    assigned: str = ""
    due_on: date | None = None
    offered: bool = False
    """To its buyer: an offer waits to be accepted."""
    customer: str = ""
    """To its seller: the buyer's page."""
    declined: bool = False
    """To its seller: the latest offer was declined."""
    followed: bool = False
    """It comes of following the seller's channel."""


@dataclass(frozen=True, slots=True)
class LeadsView:
    """The buyer's list."""

    template: ClassVar[str] = "leads/leads.html"
    active: ClassVar[str] = "requests"
    sells: ClassVar[bool] = False

    path: str
    states: tuple[str, ...]
    current: str
    rows: tuple[LeadItem, ...]
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class BoardView(LeadsView):
    """The seller's board."""

    active: ClassVar[str] = "seller_leads"
    sells: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Written:
    """A message or a note."""

    author: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MeetingItem:
    """Where a booked demo is held online. `provider` is a word of `meeting_provider`, empty where `host` says it."""

    address: str
    provider: str
    host: str


@dataclass(frozen=True, slots=True)
class LeadPage:
    """One request with its thread, as its buyer sees it."""

    template: ClassVar[str] = "leads/lead.html"
    active: ClassVar[str] = "requests"
    sells: ClassVar[bool] = False

    address: str
    back: str
    item: LeadItem
    is_open: bool
    contact: tuple[str, ...]
    consent: str
    quantity: int | None
    messages: tuple[Written, ...]
    offers: tuple[OfferItem, ...] = ()
    booked_at: datetime | None = None
    slots: tuple[Choice, ...] = ()
    meeting: MeetingItem | None = None
    demo_ahead: bool = False
    """Its demo has not begun: its seller may hold it elsewhere."""
    meeting_url: str = ""
    """What stands in the field for that."""
    notes: tuple[Written, ...] = ()
    plans: tuple[Choice, ...] = ()
    offered: OfferTyped = field(default_factory=OfferTyped)
    members: tuple[Choice, ...] = ()
    assigned_to: str = ""
    ask_again: str = ""
    hall: str = ""
    """The exhibition at which a badge was given, where it came so."""
    hall_address: str = ""
    channel: str = ""
    """The channel that was followed, where it came so."""
    channel_address: str = ""
    idempotency_key: str = ""
    text: str = ""
    note: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
    states: tuple[str, ...] = field(default=("working", "won", "lost"))


@dataclass(frozen=True, slots=True)
class SellerLeadPage(LeadPage):
    """One request as its seller sees it: also with who takes care of it, and notes."""

    active: ClassVar[str] = "seller_leads"
    sells: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class DemoDayItem:
    """A day off, or (`begins`) a single time. `remove`: where it is taken out of the calendar."""

    day: date
    begins: str
    remove: str


@dataclass(frozen=True, slots=True)
class DemoHoursView:
    """When a seller gives demos, by its own clocks: weekly, and otherwise on single days."""

    template: ClassVar[str] = "leads/demo_hours.html"
    active: ClassVar[str] = "seller_leads"

    weekdays: tuple[str, ...]
    chosen: tuple[str, ...]
    begins: str
    ends: str
    length_minutes: str
    notice_minutes: str
    ahead_days: str
    time_zone: str
    days: tuple[DemoDayItem, ...] = ()
    """Days off and single times."""
    day: str = ""
    kind: str = "off"
    day_begins: str = ""
    """What stands in the form that adds one."""
    meeting_url: str = ""
    """Where demos are held online."""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
