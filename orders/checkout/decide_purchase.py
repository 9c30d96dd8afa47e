"""An approver's word on a purchase that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from billing.gateways.call import Submission
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.text import plain_text
from orders.approval_rules.find_rule import find_rule
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import PURCHASE, Approval, Purchase
from orders.checkout.request_payment import PAYMENT_WAITS, request_payment, require_still_sold
from orders.order.events import PurchaseApproved, PurchaseRejected
from orders.order.locking import lock_orders
from orders.order.models import ORDER


@dataclass(frozen=True, slots=True)
class DecidePurchase:
    """`reason` is required for a rejection: the requester reads it."""

    purchase_id: UUID
    decision: Literal["approved", "rejected"]
    reason: str | None = None
    pay_at_once: bool = False
    """Whether whoever commits an approval runs its submission."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decided purchase; `submission` calls the gateway for its payment, the caller's to run where it is leased."""

    purchase: Purchase
    submission: Submission | None = None


def decide_purchase(uow: UnitOfWork, command: DecidePurchase) -> Decided:
    """Approve (the payment starts) or reject a purchase of the acting approver's organization.

    Raises: NotFound, Forbidden `self_approval`, Conflict `purchase_not_pending`, Gone `approval_expired`,
    Invalid `reason_required`; for an approval Conflict `plan_withdrawn`, `listing_suspended`.
    Emits: PurchaseApproved or PurchaseRejected. Locks: purchase, then its orders.
    """
    purchase = find_locked_purchase(uow, command.purchase_id)
    if purchase is None or purchase.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if purchase.state != "pending_approval":
        raise Conflict("purchase_not_pending", state=purchase.state)
    if purchase.deadline_at is not None and purchase.deadline_at <= clock.now():
        raise Gone("approval_expired")
    _refuse_self(uow, purchase)
    reason = plain_text(command.reason or "", multiline=True) or None
    if command.decision == "rejected" and reason is None:
        raise Invalid("reason_required", field="reason")
    if command.decision == "approved":
        require_still_sold(uow, purchase)
    uow.add(
        Approval(
            id=uuid7(),
            buyer_org_id=purchase.buyer_org_id,
            purchase_id=purchase.id,
            decision=command.decision,
            decided_by=uow.principal.person(),
            reason=reason,
        )
    )
    if command.decision == "approved":
        emit(uow, PurchaseApproved(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
        purchase.deadline_at = clock.now() + PAYMENT_WAITS
        PURCHASE.move(uow, purchase, "pending_payment", org_ids=[purchase.buyer_org_id])
        orders = lock_orders(uow, purchase.id)
        for order in orders:
            ORDER.move(uow, order, "pending_payment", org_ids=order.parties)
            order.deadline_at = purchase.deadline_at
        return Decided(purchase, request_payment(uow, purchase, orders, leased=command.pay_at_once))
    close_unpaid(uow, purchase, "rejected", reason=reason)
    emit(uow, PurchaseRejected(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
    return Decided(purchase)


def close_unpaid(uow: UnitOfWork, purchase: Purchase, state: str, *, reason: str | None) -> None:
    """End a purchase that was never paid, and its orders with it."""
    PURCHASE.move(uow, purchase, state, org_ids=[purchase.buyer_org_id], reason=reason)
    purchase.deadline_at = None
    for order in lock_orders(uow, purchase.id):
        ORDER.move(uow, order, state, org_ids=order.parties, reason=reason)
        order.deadline_at = None


def _refuse_self(uow: UnitOfWork, purchase: Purchase) -> None:
    """Nobody approves their own request unless the organization's rule allows it."""
    if purchase.requested_by != uow.principal.person():
        return
    found = find_rule(uow, purchase.currency)
    if found is None or not found.rule.self_approval:
        raise Forbidden("self_approval")
