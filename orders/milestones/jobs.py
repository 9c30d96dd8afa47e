"""What follows on milestones, and what of them waits too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from billing.charges.mark_delivered import mark_delivered
from billing.disputes.events import DisputeEnded
from billing.disputes.queries import is_disputed
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, follows, sweep
from kernel.jobs.outbox import emit
from kernel.jobs.settle_each import settle_each
from marketplace.test_clocks.own_time import lives_now
from orders.milestones.cancel import cancel_and_refund, refund_cancelled
from orders.milestones.decide import record_milestone_acceptance
from orders.milestones.deliver import named
from orders.milestones.events import MilestoneAcceptanceNear, MilestoneAccepted, MilestoneOverdue
from orders.order.events import OrderDeliveryFailed, OrderRefunded
from orders.order.locking import find_locked_order
from orders.order.milestones import AWAITED, OrderMilestone, cancel_milestones, milestones_of
from orders.order.models import Order

SWEEP_MILESTONES = "orders.milestones.sweep"
BATCH_SIZE = 100


@follows(MilestoneAccepted)
def milestone_accepted(uow: UnitOfWork, fact: Payload) -> None:
    """Its shares start their hold."""
    find_locked_order(uow, UUID(fact["order_id"]))
    one = uow.session.get_one(OrderMilestone, UUID(fact["milestone_id"]))
    if one.gross_minor and one.accepted_at is not None:
        mark_delivered(uow, one.order_line_id, at=one.accepted_at, part=one.id)


@follows(OrderDeliveryFailed)
def delivery_failed(uow: UnitOfWork, fact: Payload) -> None:
    """Nothing of it will be delivered; the loop gives its money back."""
    _cancel_all(uow, fact, reason="delivery_failed")


@follows(OrderRefunded)
def order_refunded(uow: UnitOfWork, fact: Payload) -> None:
    """Nothing more of it will be delivered."""
    _cancel_all(uow, fact, reason="refunded")


@follows(DisputeEnded)
def dispute_ended(uow: UnitOfWork, fact: Payload) -> None:
    """What could not go back while the bank decided goes back now, as far as it is here."""
    owing = (
        select(Order.id)
        .join(OrderMilestone, OrderMilestone.order_id == Order.id)
        .where(
            Order.payment_id == UUID(fact["payment_id"]),
            Order.state.in_(("active", "completed")),
            OrderMilestone.state == "cancelled",
        )
        .distinct()
    )
    for order_id in sorted(uow.session.scalars(owing)):
        order = find_locked_order(uow, order_id)
        if order is not None:
            refund_cancelled(uow, order, reason="milestone_overdue")


@sweep(SWEEP_MILESTONES, every=timedelta(minutes=1))
def sweep_milestones(transact: Transact) -> None:
    """Who waits for a delivery or for its acceptance is told in time, and what waited too long ends."""
    settle_each(transact, to_tell, tell)
    settle_each(transact, past_deadline, end_by_clock)


def to_tell(uow: UnitOfWork) -> Sequence[tuple[UUID, UUID]]:
    """Milestones that became overdue, or that the clock is about to accept: their order's id and their own."""
    due = select(OrderMilestone.order_id, OrderMilestone.id).where(
        OrderMilestone.notice_at <= clock.now(), lives_now(OrderMilestone.buyer_org_id)
    )
    return [(row[0], row[1]) for row in uow.session.execute(due.order_by(OrderMilestone.notice_at).limit(BATCH_SIZE))]


def tell(uow: UnitOfWork, found: tuple[UUID, UUID]) -> bool:
    """Tell of a milestone once. Returns False when it went on meanwhile. Emits: MilestoneOverdue, MilestoneAcceptanceNear."""
    order, one = _locked(uow, found)
    if one.notice_at is None or one.notice_at > clock.now():
        return False
    one.notice_at = None
    if order.state != "active":
        return False
    if one.state in AWAITED:
        emit(uow, MilestoneOverdue(**named(one)))
    else:
        emit(uow, MilestoneAcceptanceNear(**named(one), version=one.version))
    return True


def past_deadline(uow: UnitOfWork) -> Sequence[tuple[UUID, UUID]]:
    """Milestones of active orders whose state waited as long as it may, the longest over first."""
    late = (
        select(OrderMilestone.order_id, OrderMilestone.id)
        .join(Order, Order.id == OrderMilestone.order_id)
        .where(
            OrderMilestone.deadline_at <= clock.now(),
            OrderMilestone.state != "pending",
            Order.state == "active",
            lives_now(OrderMilestone.buyer_org_id),
        )
        .order_by(OrderMilestone.deadline_at)
        .limit(BATCH_SIZE)
    )
    return [(row[0], row[1]) for row in uow.session.execute(late)]


def end_by_clock(uow: UnitOfWork, found: tuple[UUID, UUID]) -> bool:
    """Delivered: it is accepted. Not delivered: its money goes back, once no bank decides about it.

    Returns False when it went on meanwhile. Emits: MilestoneAccepted or MilestoneCancelled.
    """
    order, one = _locked(uow, found)
    if one.deadline_at is None or one.deadline_at > clock.now() or order.state != "active":
        return False
    if one.state == "delivered":
        record_milestone_acceptance(uow, order, one, by_clock=True)
    elif one.state in AWAITED and (order.payment_id is None or not is_disputed(uow, order.payment_id)):
        cancel_and_refund(uow, order, [one], reason="milestone_overdue")
    return True


def _locked(uow: UnitOfWork, found: tuple[UUID, UUID]) -> tuple[Order, OrderMilestone]:
    order_id, milestone_id = found
    order = find_locked_order(uow, order_id)
    assert order is not None  # noqa: S101 - orders are never deleted
    return order, next(one for one in milestones_of(uow, order.id) if one.id == milestone_id)


def _cancel_all(uow: UnitOfWork, fact: Payload, *, reason: str) -> None:
    order = find_locked_order(uow, UUID(fact["order_id"]))
    if order is not None:
        cancel_milestones(uow, order, milestones_of(uow, order.id), reason=reason)
