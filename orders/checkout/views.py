"""What reads of purchases return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orders.checkout.approval_reasons import ApprovalReason
from orders.order.views import OrderView


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """A purchase with its orders, as its buyer sees it."""

    id: UUID
    state: str
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    po_number: str | None
    billing_profile: dict[str, Any]
    gateway: str
    requested_by: UUID | None
    requested_by_name: str | None
    approval_reasons: tuple[ApprovalReason, ...]
    decided_by_name: str | None
    decision: str | None
    decision_reason: str | None
    decided_at: datetime | None
    deadline_at: datetime | None
    created_at: datetime
    context: dict[str, Any]
    orders: tuple[OrderView, ...]
