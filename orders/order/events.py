"""Facts of the agreement."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class PurchasePlaced(Event):
    """A buyer accepted a quote; its orders wait for an approver or for money."""

    topic: ClassVar[str] = "orders.purchase_placed.v1"
    purchase_id: UUID
    buyer_org_id: UUID
    needs_approval: bool


class ApprovalRequested(Event):
    """A purchase waits for the word of whoever decides one of its steps, counted from 1."""

    topic: ClassVar[str] = "orders.approval_requested.v1"
    purchase_id: UUID
    buyer_org_id: UUID
    step: int = 1


class PurchaseApproved(Event):
    """An approver let a purchase pass."""

    topic: ClassVar[str] = "orders.purchase_approved.v1"
    purchase_id: UUID
    buyer_org_id: UUID


class PurchaseRejected(Event):
    """An approver refused a purchase."""

    topic: ClassVar[str] = "orders.purchase_rejected.v1"
    purchase_id: UUID
    buyer_org_id: UUID


class PurchaseExpired(Event):
    """A purchase waited longer than its state may."""

    topic: ClassVar[str] = "orders.purchase_expired.v1"
    purchase_id: UUID
    buyer_org_id: UUID


class OrderPaid(Event):
    """The money for an order is captured; delivery begins."""

    topic: ClassVar[str] = "orders.order_paid.v1"
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class OrderActivated(Event):
    """Everything in an order is delivered."""

    topic: ClassVar[str] = "orders.order_activated.v1"
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class OrderCompleted(Event):
    """A one-off service was accepted by its buyer, or by the clock on the buyer's behalf."""

    topic: ClassVar[str] = "orders.order_completed.v1"
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class OrderDeliveryFailed(Event):
    """The seller could not deliver; the money goes back by itself."""

    topic: ClassVar[str] = "orders.order_delivery_failed.v1"
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    reason: str


class OrderRefunded(Event):
    """An order's whole amount went back to its buyer."""

    topic: ClassVar[str] = "orders.order_refunded.v1"
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class PaymentRetried(Event):
    """The money of a purchase is asked for again, after a try that failed."""

    topic: ClassVar[str] = "orders.payment_retried.v1"
    purchase_id: UUID
    buyer_org_id: UUID


class PaymentRecovered(Event):
    """The money of a purchase came by a later try than the first."""

    topic: ClassVar[str] = "orders.payment_recovered.v1"
    purchase_id: UUID
    buyer_org_id: UUID
