"""Support tickets as their pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.conversations.views import SaidRow
from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket in a list. `other`: the other side's organization; of the platform's list the seller, with the buyer."""

    address: str
    subject: str
    other: str
    order_number: str
    severity: str
    state: str
    due_at: datetime | None
    """By when the first answer is due; None once it is there."""
    late: bool
    at: datetime
    rating: int | None = None
    carer: str = ""
    """To its seller: who takes care of it."""


@dataclass(frozen=True, slots=True)
class TicketsView:
    """The buyer's list."""

    template: ClassVar[str] = "tickets/tickets.html"
    active: ClassVar[str] = "tickets"
    side: ClassVar[str] = "buyer"

    path: str
    states: tuple[str, ...]
    current: str
    rows: tuple[TicketRow, ...]
    next_address: str | None = None
    figures: str = ""
    """To a seller: how fast it answers."""
    reads_orders: bool = True
    whose: tuple[str, ...] = ()
    assigned: str = ""
    """To a seller: by whom it is narrowed down."""


@dataclass(frozen=True, slots=True)
class SellerTicketsView(TicketsView):
    """The seller's board."""

    active: ClassVar[str] = "seller_tickets"
    side: ClassVar[str] = "seller"


@dataclass(frozen=True, slots=True)
class OperatorTicketsView(TicketsView):
    """What waits beyond a second term, for the platform."""

    active: ClassVar[str] = "operator_tickets"
    side: ClassVar[str] = "operator"


@dataclass(frozen=True, slots=True)
class NewTicketPage:
    """The form of a ticket on an order."""

    template: ClassVar[str] = "tickets/new.html"
    active: ClassVar[str] = "tickets"

    address: str
    back: str
    order_id: str
    order_number: str
    seller: str
    severities: tuple[Choice, ...]
    idempotency_key: str
    hours: str
    subject: str = ""
    severity: str = "normal"
    text: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class HandoverItem:
    """Who had a ticket from then on (nobody: empty), who gave it to them, and why."""

    name: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TicketPage:
    """One ticket, as its buyer sees it."""

    template: ClassVar[str] = "tickets/ticket.html"
    active: ClassVar[str] = "tickets"
    sells: ClassVar[bool] = False

    address: str
    back: str
    row: TicketRow
    order: str
    messages: tuple[SaidRow, ...]
    accept: str
    limit_mb: int
    idempotency_key: str
    may_write: bool
    may_close: bool = False
    may_rate: bool = False
    closes_at: datetime | None = None
    answered_at: datetime | None = None
    escalated: bool = False
    rating: int | None = None
    rating_text: str = ""
    carers: tuple[Choice, ...] = ()
    """To its seller: who may take care of it."""
    carer: str = ""
    may_take: bool = False
    handovers: tuple[HandoverItem, ...] = ()
    note: str = ""
    text: str = ""
    stars: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class SellerTicketPage(TicketPage):
    """As its seller sees it."""

    active: ClassVar[str] = "seller_tickets"
    sells: ClassVar[bool] = True
