"""Dealers and their end customers, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class EndCustomerItem:
    """One in the list of either side; acts are addresses, empty where the reader has not that choice.

    `end_act`: what ending it is for the reader: `end`, `decline` or `withdraw`.
    """

    id: str
    name: str
    """Of the other side."""
    state: str
    is_dealer: bool
    at: datetime
    tax_id: str = ""
    link: str = ""
    """The whole address of a link that waits, for its dealer to send."""
    link_until: datetime | None = None
    confirm: str = ""
    end: str = ""
    end_act: str = ""


@dataclass(frozen=True, slots=True)
class TypedEndCustomer:
    """The form that asks one, as it was typed."""

    name: str = ""
    tax_id: str = ""


@dataclass(frozen=True, slots=True)
class EndCustomersView:
    """For whom the reader's organization orders, who orders for it, and the form that asks another one."""

    template: ClassVar[str] = "end_customers/end_customers.html"
    active: ClassVar[str] = "end_customers"

    rows: tuple[EndCustomerItem, ...]
    address: str
    entitlements: str
    typed: TypedEndCustomer = TypedEndCustomer()
    next_address: str | None = None
    idempotency_key: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class EndCustomerLinkView:
    """What a dealer asks of whoever opened its link."""

    template: ClassVar[str] = "end_customers/link.html"
    active: ClassVar[str] = ""

    address: str
    dealer: str
    name: str
    tax_id: str
    state: str
    expires_at: datetime | None
    organization: str = ""
    """The reader's, which becomes the end customer."""
    may_confirm: bool = False
    signed_in: bool = False
