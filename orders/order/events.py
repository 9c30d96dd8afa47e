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


class PurchaseCancelled(Event):
    """A buyer called a purchase off before it was paid."""

    topic: ClassVar[str] = "orders.purchase_cancelled.v1"
    purchase_id: UUID
    buyer_org_id: UUID
    cancelled_by: UUID
    """Who answers for it."""
    waited_for_step: int | None
    """The approver's step that it waited for, counted from 1; None where it waited for money."""


class PaymentMethodChanged(Event):
    """What a subscription goes on costing is asked of another payment method from now on."""

    topic: ClassVar[str] = "orders.payment_method_changed.v1"
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    gateway: str
    method_token: str
    """The gateway's, never a card number; its buyer's alone to see."""
    changed_by: UUID
    """Who answers for it."""


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


class PayerChargeAsked(Event):
    """The payer's people are asked to pay a purchase of another organization."""

    topic: ClassVar[str] = "orders.payer_charge_asked.v1"
    charge_id: UUID
    purchase_id: UUID
    buyer_org_id: UUID
    payer_org_id: UUID


class PayerChargeApproved(Event):
    """Somebody of the payer lets a method of its own be charged for it."""

    topic: ClassVar[str] = "orders.payer_charge_approved.v1"
    charge_id: UUID
    purchase_id: UUID
    buyer_org_id: UUID
    payer_org_id: UUID
    gateway: str
    method_token: str
    """The gateway's, never a card number; the payer's alone to see."""


class PayerChargeDeclined(Event):
    """The payer does not pay it: its buyer may, or calls it off."""

    topic: ClassVar[str] = "orders.payer_charge_declined.v1"
    charge_id: UUID
    purchase_id: UUID
    buyer_org_id: UUID
    payer_org_id: UUID


class PayerChargeRefused(Event):
    """What goes on costing by itself does not fit the agreement that paid it until now, or that has ended (`code`)."""

    topic: ClassVar[str] = "orders.payer_charge_refused.v1"
    purchase_id: UUID
    buyer_org_id: UUID
    code: str
