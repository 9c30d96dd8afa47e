"""Sales that wait for their buyers' payments, as their seller is shown them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class AwaitedNote:
    """That an order waits: ``state`` is ``awaited`` or ``overdue``."""

    state: str
    since: datetime
    due_at: datetime
    days_overdue: int


@dataclass(frozen=True, slots=True)
class AwaitedItem:
    """A sale whose buyer has not paid. ``buyer_name`` and ``address`` are empty where it is not delivered yet."""

    address: str
    number: str
    listing_name: str
    buyer_name: str
    gross: Money
    on_account: bool
    note: AwaitedNote


@dataclass(frozen=True, slots=True)
class AwaitedPaymentsView:
    """All of a seller's, the first due first."""

    template: ClassVar[str] = "awaited_payments/awaited.html"
    active: ClassVar[str] = "awaited_payments"

    rows: tuple[AwaitedItem, ...]
    next_address: str | None = None
