"""What follows by itself on what happens to a subscription."""

from __future__ import annotations

from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows, job
from orders.amendments.events import SubscriptionAmended
from orders.order.locking import find_locked_order, lock_subscription
from orders.order.models import Order
from orders.refunds.refund_order import refund_remaining
from orders.subscriptions.next_term import TERM_BEGINS, change_with_term
from orders.subscriptions.quote_renewal import requote_renewal

REFUND_RENEWAL = "orders.renewal.refund"


@job(REFUND_RENEWAL)
def refund_renewal(uow: UnitOfWork, fact: Payload) -> None:
    """A term that will not begin, because what it renews went back, is not kept money for."""
    order = _renewal(uow, fact)
    if order.state == "active" and order.payment_id is not None:
        refund_remaining(uow, order, order.payment_id, reason="renewed_order_refunded")


@follows(SubscriptionAmended)
def subscription_amended(uow: UnitOfWork, fact: Payload) -> None:
    """What was told of the next term was for what it was before."""
    requote_renewal(uow, lock_subscription(uow, UUID(fact["subscription_id"])))


@job(TERM_BEGINS)
def term_begins(uow: UnitOfWork, fact: Payload) -> None:
    """A term that was renewed for another quantity or plan has begun."""
    change_with_term(uow, _renewal(uow, fact))


def _renewal(uow: UnitOfWork, fact: Payload) -> Order:
    found = find_locked_order(uow, UUID(fact["order_id"]))
    if found is None:
        raise LookupError(fact["order_id"])
    return found
