"""Acceptance: a one-off service is complete when its buyer says so, or the clock does."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from orders.order.events import OrderCompleted
from orders.order.locking import find_locked_order, lines_of, subscriptions_of
from orders.order.models import ORDER, Order

ACCEPTED_AFTER = timedelta(days=7)
"""A buyer who says nothing for this long after delivery has accepted: the seller is not to wait for ever."""


def accept_order(uow: UnitOfWork, order_id: UUID) -> Order:
    """The buyer accepts the one-off services of a delivered order. Idempotent.

    Raises: NotFound, Conflict `order_not_acceptable`. Emits: OrderCompleted. Locks: the order.
    """
    order = find_locked_order(uow, order_id)
    if order is None or order.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if order.accepted_at is not None:
        return order
    if order.state != "active" or not has_services(uow, order.id):
        raise Conflict("order_not_acceptable", state=order.state)
    record_acceptance(uow, order, reason="accepted")
    return order


def record_acceptance(uow: UnitOfWork, order: Order, *, reason: str) -> None:
    """Take a locked, active order's services as accepted; the loop then lets their shares start their hold.

    An order of nothing but one-off services is then complete; one with a subscription in it is when that has ended.
    """
    order.accepted_at, order.deadline_at = clock.now(), None
    complete_when_over(uow, order, reason=reason)
    emit(uow, OrderCompleted(order_id=order.id, buyer_org_id=order.buyer_org_id, seller_org_id=order.seller_org_id))


def complete_when_over(uow: UnitOfWork, order: Order, *, reason: str) -> None:
    """Complete a locked, active order whose services are accepted, unless a subscription in it goes on."""
    ended = {one.order_line_id for one in subscriptions_of(uow, order.id) if one.state == "ended"}
    if all(line.term_months == 0 or line.id in ended for line in lines_of(uow, order.id)):
        ORDER.move(uow, order, "completed", org_ids=order.parties, reason=reason)


def has_services(uow: UnitOfWork, order_id: UUID) -> bool:
    """Whether an order holds a one-off service, which is to be accepted once it is delivered."""
    return any(line.term_months == 0 for line in lines_of(uow, order_id))
