"""A seller's customer as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.leads.views import LeadItem
from api.pages.orders.views import OrderItem


@dataclass(frozen=True, slots=True)
class CustomerEntitlement:
    """What the customer may use; no seats (0) where it is not sold by them."""

    listing_name: str
    plan_name: str
    state: str
    seats: int
    seats_used: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """An organization that bought or asked. `may_answer`: its requests are the reader's to see."""

    template: ClassVar[str] = "customers/customer.html"
    active: ClassVar[str] = "seller_orders"

    name: str
    orders: tuple[OrderItem, ...]
    entitlements: tuple[CustomerEntitlement, ...]
    leads: tuple[LeadItem, ...]
    may_answer: bool = True
