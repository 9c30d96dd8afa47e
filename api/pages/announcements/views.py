"""Announcements as their pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.announcement_addresses import OWN, RECEIVED
from api.pages.frame.choices import Choice
from orders.announcements.queries import AnnouncementView


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """One of the seller's. `withdraw`: where it is withdrawn, empty once it has ended."""

    one: AnnouncementView
    audience: str
    withdraw: str


@dataclass(frozen=True, slots=True)
class SellerAnnouncementsPage:
    """The seller's announcements, and the form for one."""

    template: ClassVar[str] = "announcements/seller.html"
    active: ClassVar[str] = "seller_announcements"
    address: ClassVar[str] = OWN

    rows: Sequence[AnnouncementRow]
    audiences: Sequence[Choice]
    idempotency_key: str
    limits: str
    next_address: str | None = None
    title: str = ""
    text: str = ""
    audience: str = "customers"
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """One that was sent. `act`: where the organization says whether it takes more of this seller."""

    seller: str
    title: str
    at: datetime
    thread: str
    act: str
    is_out: bool


@dataclass(frozen=True, slots=True)
class ReceivedPage:
    """What the organization was sent."""

    template: ClassVar[str] = "announcements/received.html"
    active: ClassVar[str] = "announcements"
    address: ClassVar[str] = RECEIVED

    rows: Sequence[ReceivedRow]
    next_address: str | None = None
