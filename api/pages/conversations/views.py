"""Conversations as their pages show them: an inbox of each side, one thread, and a seller's hours of service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread in an inbox. `other`: the other side's organization."""

    address: str
    other: str
    state: str
    assigned: str
    text: str
    by_us: bool
    at: datetime
    unread: int
    muted: bool


@dataclass(frozen=True, slots=True)
class InboxView:
    """The buyer's inbox. `filters`: each with its address and whether it is chosen."""

    template: ClassVar[str] = "conversations/inbox.html"
    active: ClassVar[str] = "conversations"
    sells: ClassVar[bool] = False

    filters: tuple[tuple[str, str, bool], ...]
    rows: tuple[ThreadRow, ...]
    chosen: str = ""
    window: str = ""
    """To a seller: where its hours of service are said."""
    next_address: str | None = None
    reads_orders: bool = True


@dataclass(frozen=True, slots=True)
class SellerInboxView(InboxView):
    """The seller's."""

    active: ClassVar[str] = "seller_conversations"
    sells: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class OrderShown:
    """An order that a message names; `address` empty where the reader may not open it."""

    number: str
    title: str
    state: str
    address: str


@dataclass(frozen=True, slots=True)
class SaidRow:
    """A message, or (`kind` handover) who is responsible from then on. `ours`: one's own side said it."""

    kind: str
    ours: bool
    author: str
    text: str
    at: datetime
    order: OrderShown | None = None
    names_order: bool = False
    file_name: str = ""
    file_bytes: int = 0
    file_address: str = ""


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """One thread with a seller, as its buyer sees it; `messages` the oldest first. Without `stream` nothing was said yet."""

    template: ClassVar[str] = "conversations/thread.html"
    active: ClassVar[str] = "conversations"
    sells: ClassVar[bool] = False

    address: str
    back: str
    other: str
    state: str
    messages: tuple[SaidRow, ...]
    accept: str
    limit_mb: int
    idempotency_key: str
    stream: str = ""
    earlier: str = ""
    customer: str = ""
    hours: str = ""
    """To a buyer: when the seller answers."""
    closed_now: bool = False
    assigned: str = ""
    assigned_to: str = ""
    members: tuple[Choice, ...] = ()
    orders: tuple[Choice, ...] = ()
    order_id: str = ""
    muted: bool = False
    text: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class SellerThreadPage(ThreadPage):
    """As its seller sees it."""

    active: ClassVar[str] = "seller_conversations"
    sells: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ServiceWindowPage:
    """When a seller's people answer, by its own clocks, and what is answered by itself."""

    template: ClassVar[str] = "conversations/window.html"
    active: ClassVar[str] = "seller_conversations"

    address: str
    back: str
    weekdays: tuple[str, ...]
    chosen: tuple[str, ...]
    begins: str
    ends: str
    time_zone: str
    days_off: str
    answer: str
    answer_en: str
    is_own: bool = True
    error: str = ""
    error_field: str = ""
    field_error: str = ""
