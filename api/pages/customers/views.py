"""A seller's customers as pages show them: the list, and one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from api.pages.leads.views import LeadItem
from api.pages.orders.views import OrderItem
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class CustomerItem:
    """A customer in the list. `bought`: paid within a year, a sum for each currency."""

    address: str
    name: str
    last_at: datetime
    entitlements: int
    ends_next_at: datetime | None
    bought: tuple[Money, ...]
    open_leads: int
    due_on: date | None


@dataclass(frozen=True, slots=True)
class CustomersView:
    """Whoever was active last first."""

    template: ClassVar[str] = "customers/customers.html"
    active: ClassVar[str] = "seller_customers"

    states: tuple[str, ...]
    current: str
    query: str
    rows: tuple[CustomerItem, ...]
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerEntitlement:
    """What the customer may use; no seats (0) where it is not sold by them."""

    listing_name: str
    plan_name: str
    state: str
    seats: int
    seats_used: int
    until: datetime | None
    data_kept_until: datetime | None = None
    """Since it ended: until when the seller keeps the customer's data."""
    trial_id: str = ""
    """Its subscription, where it is tried so far."""
    extendable_days: int = 0
    """What its seller may add to that."""
    extended_days: int = 0


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """An organization that bought or asked. `may_answer`: its requests are the reader's to see."""

    template: ClassVar[str] = "customers/customer.html"
    active: ClassVar[str] = "seller_customers"

    name: str
    orders: tuple[OrderItem, ...]
    entitlements: tuple[CustomerEntitlement, ...]
    leads: tuple[LeadItem, ...]
    subscriptions: str
    """Where what it subscribed to is listed."""
    may_answer: bool = True
    service_address: str = ""
    """The conversation with it; empty for whoever may not take part."""
    address: str = ""
    """Where its trials are extended; empty for whoever may not."""
    error: str | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    """By how many days a trial was to go on, as it was typed and refused, by its subscription."""
