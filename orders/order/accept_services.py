"""Acceptance: a one-off service is complete when its buyer says so, or the clock does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from orders.order.events import OrderCompleted
from orders.order.locking import find_locked_order, lines_of, subscriptions_of
from orders.order.milestones import is_done, milestones_of
from orders.order.models import ORDER, Order, OrderLine

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
    if order.state != "active" or not accepted_as_a_whole(uow, order.id, lines_of(uow, order.id)):
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


def finish_milestones(uow: UnitOfWork, order: Order, *, reason: str) -> None:
    """With its last milestone a locked, active order is accepted. One of which nothing was accepted is about to be refunded.

    Emits: OrderCompleted where nothing else of it was accepted before, or still has to be.
    """
    milestones = milestones_of(uow, order.id)
    if order.state != "active" or not is_done(milestones) or all(one.state == "cancelled" for one in milestones):
        return
    if order.accepted_at is None and order.deadline_at is None:
        record_acceptance(uow, order, reason=reason)
    else:
        complete_when_over(uow, order, reason=reason)


def complete_when_over(uow: UnitOfWork, order: Order, *, reason: str) -> None:
    """Complete a locked, active order whose services are accepted, unless a subscription in it goes on."""
    over = {one.order_line_id for one in subscriptions_of(uow, order.id) if one.state == "ended"}
    lines = lines_of(uow, order.id)
    once = {line.id for line in lines if line.term_months == 0}
    milestones = milestones_of(uow, order.id) if once else []
    whole = once - {one.order_line_id for one in milestones}
    # What is accepted as a whole is waited for until the order's deadline.
    if (
        is_done(milestones)
        and (not whole or order.deadline_at is None)
        and all(line.id in once or line.id in over for line in lines)
    ):
        ORDER.move(uow, order, "completed", org_ids=order.parties, reason=reason)


def accepted_as_a_whole(uow: UnitOfWork, order_id: UUID, lines: Sequence[OrderLine]) -> bool:
    """Whether an order holds a one-off service that is accepted once it is delivered, and not milestone by milestone."""
    once = {line.id for line in lines if line.term_months == 0}
    return bool(once and once - {one.order_line_id for one in milestones_of(uow, order_id)})
