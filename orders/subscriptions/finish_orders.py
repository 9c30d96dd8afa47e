"""What was bought for a subscription that has ended is complete: its terms, its changes, its usage."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import enqueue
from orders.amendments.undelivered import is_untold_change
from orders.order.locking import find_locked_order
from orders.order.models import ORDER, Order

FINISH = "orders.subscriptions.finish_orders"


def finish_orders_of(uow: UnitOfWork, subscription_id: UUID) -> None:
    """Have the orders of a subscription that ends finished, in a transaction that holds nothing of it."""
    enqueue(uow, FINISH, {"subscription_id": str(subscription_id)}, dedupe_key=str(subscription_id))


def finish_orders(uow: UnitOfWork, subscription_id: UUID) -> None:
    """Complete the active orders that a subscription was changed, renewed and used by. The one that began it is not among them.

    A change that its seller's system was not told stays as it is: it may still go back. Locks: the orders. Idempotent by their
    states.
    """
    found = (
        select(Order.id)
        .where(Order.subscription_id == subscription_id, Order.state == "active", ~is_untold_change(Order.id))
        .order_by(Order.id)
    )
    for order_id in uow.session.scalars(found).all():
        order = find_locked_order(uow, order_id)
        if order is not None and order.state == "active":
            ORDER.move(uow, order, "completed", org_ids=order.parties, reason="term_over")
