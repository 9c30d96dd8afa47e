"""What waits for its month's invoice, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class InvoiceToComeItem:
    """An invoice as it would be if its month ended now."""

    month: date
    due_at: datetime
    seller_name: str
    title: str
    orders: int
    gross: Money


@dataclass(frozen=True, slots=True)
class UnbilledOrderItem:
    """An order that waits; ``gross`` is what refunds have left of it."""

    address: str
    number: str
    seller_name: str
    month: date
    delivered_at: datetime
    gross: Money


@dataclass(frozen=True, slots=True)
class UnbilledOrdersView:
    """What is to come, the soonest first, and of which orders."""

    template: ClassVar[str] = "unbilled_orders/unbilled.html"
    active: ClassVar[str] = "invoices"

    invoices: tuple[InvoiceToComeItem, ...]
    orders: tuple[UnbilledOrderItem, ...]
    #: Where somebody who may chooses it for a title; empty for others.
    choose_address: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class SoldInvoiceItem:
    """What of an invoice would be of the seller's sales, if its month ended now. ``title`` is empty where it issues none."""

    month: date
    due_at: datetime
    buyer_name: str
    issuer_name: str
    title: str
    orders: int
    gross: Money


@dataclass(frozen=True, slots=True)
class SoldUnbilledItem:
    """A sale that waits; ``gross`` is what refunds have left of it."""

    address: str
    number: str
    buyer_name: str
    month: date
    delivered_at: datetime
    gross: Money


@dataclass(frozen=True, slots=True)
class SoldUnbilledView:
    """To a seller: what is to come, the soonest first, and of which of its sales."""

    template: ClassVar[str] = "unbilled_orders/sold.html"
    active: ClassVar[str] = "seller_unbilled"

    invoices: tuple[SoldInvoiceItem, ...]
    orders: tuple[SoldUnbilledItem, ...]
    next_address: str | None = None
