"""Milestones that nobody will deliver: what was charged for them goes back, and what was accepted stays."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.disputes.queries import is_disputed
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.jobs.outbox import emit
from orders.milestones.deliver import find_milestone, named
from orders.milestones.events import MilestoneCancelled
from orders.order.accept_services import finish_milestones
from orders.order.milestones import AWAITED, OrderMilestone, cancel_milestones, milestones_of
from orders.order.models import Order

CANCELLABLE_AFTER = timedelta(days=14)
"""How long after it was due a buyer waits before it may take its money back."""


def cancel_overdue(uow: UnitOfWork, milestone_id: UUID) -> OrderMilestone:
    """The buyer does not wait any more for a milestone that is long overdue; its money goes back. Idempotent.

    Raises: NotFound, Conflict `milestone_not_overdue`, `payment_disputed`. Emits: MilestoneCancelled.
    Locks: the order, then what billing locks.
    """
    order, one = find_milestone(uow, milestone_id, of_buyer=True)
    if one.state == "cancelled":
        return one
    if not may_cancel(one):
        raise Conflict("milestone_not_overdue", state=one.state, days=CANCELLABLE_AFTER.days)
    if order.payment_id is not None and is_disputed(uow, order.payment_id):
        raise Conflict("payment_disputed")
    cancel_and_refund(uow, order, [one], reason="milestone_overdue")
    return one


def may_cancel(one: OrderMilestone) -> bool:
    """Whether its buyer may have its money back as it was not delivered for so long."""
    return one.state in AWAITED and one.due_at is not None and one.due_at + CANCELLABLE_AFTER <= clock.now()


def cancel_and_refund(uow: UnitOfWork, order: Order, milestones: list[OrderMilestone], *, reason: str) -> None:
    """Cancel milestones of a locked, active order and refund them. Emits: MilestoneCancelled for each."""
    open_ones = [one for one in milestones if one.state not in ("accepted", "cancelled")]
    cancel_milestones(uow, order, open_ones, reason=reason)
    for one in open_ones:
        emit(uow, MilestoneCancelled(**named(one), reason=reason))
    refund_cancelled(uow, order, reason=reason)
    finish_milestones(uow, order, reason=reason)


def refund_cancelled(uow: UnitOfWork, order: Order, *, reason: str) -> bool:
    """Refund what was charged for a locked order's cancelled milestones and has not gone back. Returns whether it has any.

    While a bank decides about the payment it waits for that.
    """
    milestones = milestones_of(uow, order.id)
    cancelled = [one.id for one in milestones if one.state == "cancelled"]
    if cancelled and order.payment_id is not None and not is_disputed(uow, order.payment_id):
        owed = select(Charge.part_reference, Charge.gross_minor - Charge.reserved_minor).where(
            Charge.group_reference == order.id, Charge.part_reference.in_(cancelled)
        )
        amounts = {part: left_minor for part, left_minor in uow.session.execute(owed) if part and left_minor}
        if amounts:
            request_refund(uow, RequestRefund(order.id, order.payment_id, reason, automatic=True, amounts=amounts))
    return bool(milestones)
