"""What follows by itself on what happens to a subscription."""

from __future__ import annotations

from uuid import UUID

from fulfillment.entitlements.events import ChangeFailed
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows, job
from kernel.jobs.outbox import enqueue
from orders.amendments.events import SubscriptionAmended
from orders.amendments.models import Amendment
from orders.amendments.undelivered import take_back_undelivered, undelivered_orders
from orders.order.events import PurchaseExpired, PurchaseRejected
from orders.order.locking import find_locked_order, lock_subscription
from orders.order.models import Order
from orders.refunds.refund_order import refund_remaining
from orders.subscriptions.calendar import take_calendar
from orders.subscriptions.finish_orders import FINISH, finish_orders
from orders.subscriptions.next_term import TERM_BEGINS, change_with_term, let_term_begin
from orders.subscriptions.past_due import nobody_pays
from orders.subscriptions.quote_renewal import requote_renewal

REFUND_RENEWAL = "orders.renewal.refund"
TAKE_BACK = "orders.amendments.take_back"


@job(FINISH)
def finish_orders_of_ended(uow: UnitOfWork, fact: Payload) -> None:
    """What was bought for a subscription is over with it."""
    finish_orders(uow, UUID(fact["subscription_id"]))


@job(REFUND_RENEWAL)
def refund_renewal(uow: UnitOfWork, fact: Payload) -> None:
    """A term that will not begin, because what it renews went back, is not kept money for."""
    order = _renewal(uow, fact)
    if order.state in ("active", "completed") and order.payment_id is not None:
        refund_remaining(uow, order, order.payment_id, reason="renewed_order_refunded")


@follows(SubscriptionAmended)
def subscription_amended(uow: UnitOfWork, fact: Payload) -> None:
    """What was told of the next term was for what it was before; one that is paid for begins as it was paid for."""
    subscription = lock_subscription(uow, UUID(fact["subscription_id"]))
    amendment = uow.session.get_one(Amendment, UUID(fact["amendment_id"]))
    if amendment.aligned_to is not None and subscription.state == "active":
        take_calendar(subscription)
    requote_renewal(uow, subscription)
    let_term_begin(uow, subscription)


@follows(PurchaseRejected)
def conversion_rejected(uow: UnitOfWork, fact: Payload) -> None:
    """A trial whose purchase was waited for ends, where that was rejected."""
    nobody_pays(uow, UUID(fact["purchase_id"]))


@follows(PurchaseExpired)
def conversion_expired(uow: UnitOfWork, fact: Payload) -> None:
    """The same, where nobody decided or paid in time."""
    nobody_pays(uow, UUID(fact["purchase_id"]))


@follows(ChangeFailed)
def change_failed(uow: UnitOfWork, fact: Payload) -> None:
    """What was paid for and is not made goes back: each in a transaction of its own, as its order is locked before the one
    that began the subscription, which is held by whoever gave the run up.
    """
    uow.flush()
    for order_id in undelivered_orders(uow, UUID(fact["reference"])):
        owed = {"order_id": str(order_id), "reason": fact["reason"]}
        enqueue(uow, TAKE_BACK, owed, dedupe_key=f"{order_id}:{fact['run_id']}")


@job(TAKE_BACK)
def take_back_change(uow: UnitOfWork, owed: Payload) -> None:
    """A change that the seller's system does not make is not kept money for."""
    take_back_undelivered(uow, UUID(owed["order_id"]), reason=owed["reason"])


@job(TERM_BEGINS)
def term_begins(uow: UnitOfWork, fact: Payload) -> None:
    """A term that was renewed for another quantity or plan has begun."""
    change_with_term(uow, _renewal(uow, fact))


def _renewal(uow: UnitOfWork, fact: Payload) -> Order:
    found = find_locked_order(uow, UUID(fact["order_id"]))
    if found is None:
        raise LookupError(fact["order_id"])
    return found
