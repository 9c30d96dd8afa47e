"""A purchase that is not paid yet is called off by whoever may buy."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, select

from billing.payments.models import Payment
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from orders.amendments.models import Amendment
from orders.checkout.approval_reasons import BUY
from orders.checkout.decide_purchase import close_unpaid
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Approval, Purchase
from orders.order.events import PurchaseCancelled
from orders.order.models import Order, OrderLine, Subscription

OPEN = ("pending_approval", "pending_payment")
"""States of a purchase in which it may be called off."""


def cancel_purchase(uow: UnitOfWork, purchase_id: UUID) -> Purchase:
    """Call off a purchase of the acting organization that waits for its approver or its money: nothing was charged, and
    nothing will be. All of its orders end with it.

    Raises: Forbidden `permission_missing` without orders.buy; NotFound; Conflict `purchase_not_cancellable` (it is paid or over),
    `purchase_is_owed` (a next term or usage), `payment_already_running` while a try is under way, in doubt or has succeeded.
    Emits: PurchaseCancelled. Locks: purchase, then its orders. Idempotent by the state.
    """
    uow.principal.require(BUY)
    purchase = find_locked_purchase(uow, purchase_id)
    if purchase is None or purchase.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if purchase.state == "cancelled":
        return purchase
    if purchase.state not in OPEN:
        raise Conflict("purchase_not_cancellable", state=purchase.state)
    if _is_owed(uow, purchase_id):
        raise Conflict("purchase_is_owed")
    if _is_being_paid(uow, purchase_id):
        raise Conflict("payment_already_running")
    waited_for, by = _waited_for_step(uow, purchase), uow.principal.accountable_id
    assert by is not None  # noqa: S101 - nobody else acts for an organization
    close_unpaid(uow, purchase, "cancelled", reason="called_off")
    emit(
        uow,
        PurchaseCancelled(
            purchase_id=purchase.id,
            buyer_org_id=purchase.buyer_org_id,
            cancelled_by=by,
            waited_for_step=waited_for,
        ),
    )
    return purchase


def is_cancellable(uow: UnitOfWork, purchase_id: UUID) -> bool:
    """Whether a purchase that the acting buyer sees could be called off now."""
    state = uow.session.scalar(select(Purchase.state).where(Purchase.id == purchase_id))
    return state in OPEN and not _is_owed(uow, purchase_id) and not _is_being_paid(uow, purchase_id)


def _is_being_paid(uow: UnitOfWork, purchase_id: UUID) -> bool:
    """Asked under the purchase's lock, with which every payment of it begins."""
    return bool(uow.session.scalar(select(exists().where(Payment.reference == purchase_id, Payment.state != "failed"))))


def _is_owed(uow: UnitOfWork, purchase_id: UUID) -> bool:
    """Whether it pays for what goes on by itself: the next term of what is no trial, or what was used."""
    changes = exists().where(Amendment.order_line_id == OrderLine.id)
    further = (
        select(Order.usage_period_id, Subscription, changes.label("changes"))
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Subscription, Subscription.id == Order.subscription_id)
        .where(Order.purchase_id == purchase_id)
    )
    return any(
        row.usage_period_id is not None or not (row.changes or row.Subscription.is_trial)
        for row in uow.session.execute(further)
    )


def _waited_for_step(uow: UnitOfWork, purchase: Purchase) -> int | None:
    """The number of the step that somebody was asked to decide."""
    if purchase.state != "pending_approval":
        return None
    taken = uow.session.scalars(select(Approval.step).where(Approval.purchase_id == purchase.id)).all()
    return len(taken) + 1
