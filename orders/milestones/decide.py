"""The buyer decides about what was delivered: it is accepted, or to be done again. Who says nothing has accepted it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.jobs.outbox import emit
from orders.milestones.deliver import checked_words, find_milestone, named
from orders.milestones.events import MilestoneAccepted, MilestoneReworkAsked
from orders.milestones.take_on import CANCELLED_AFTER
from orders.order.accept_services import finish_milestones
from orders.order.milestones import MILESTONE, MilestoneDelivery, OrderMilestone
from orders.order.models import Order

REWORK_WITHIN = timedelta(days=7)
"""How long the seller has at least to do it again."""


def accept_milestone(uow: UnitOfWork, milestone_id: UUID, *, version: int) -> OrderMilestone:
    """The buyer accepts what was delivered as `version`; its money is released. Idempotent.

    Raises: NotFound, Conflict `milestone_not_delivered`, `milestone_changed`. Emits: MilestoneAccepted, with the last one
    OrderCompleted. Locks: the order.
    """
    order, one = find_milestone(uow, milestone_id, of_buyer=True)
    if one.version != version:
        raise Conflict("milestone_changed")
    if one.state != "accepted":
        record_milestone_acceptance(uow, order, one, by_clock=False)
    return one


def record_milestone_acceptance(uow: UnitOfWork, order: Order, one: OrderMilestone, *, by_clock: bool) -> None:
    """Take a delivered milestone of a locked order as accepted. Raises and emits as `accept_milestone`."""
    if one.state != "delivered" or order.state != "active":
        raise Conflict("milestone_not_delivered", state=one.state)
    reason = "accepted_by_clock" if by_clock else "accepted"
    MILESTONE.move(uow, one, "accepted", org_ids=order.parties, reason=reason)
    one.accepted_at, one.deadline_at, one.notice_at = clock.now(), None, None
    _latest(uow, one).answered_at = clock.now()
    emit(uow, MilestoneAccepted(**named(one), by_clock=by_clock))
    finish_milestones(uow, order, reason=reason)


def ask_rework(uow: UnitOfWork, milestone_id: UUID, *, version: int, words: str) -> OrderMilestone:
    """The buyer wants what was delivered as `version` done again, and says what. Idempotent by the version.

    Raises: NotFound, Conflict `milestone_not_delivered`, `milestone_changed`, Invalid `reason_required`, `text_too_long`.
    Emits: MilestoneReworkAsked. Locks: the order.
    """
    order, one = find_milestone(uow, milestone_id, of_buyer=True)
    if one.version != version:
        raise Conflict("milestone_changed")
    if one.state == "rework":
        return one
    if one.state != "delivered" or order.state != "active":
        raise Conflict("milestone_not_delivered", state=one.state)
    said = checked_words(words)
    if not said:
        raise Invalid("reason_required", field="words")
    now = clock.now()
    MILESTONE.move(uow, one, "rework", org_ids=order.parties, reason=f"version_{version}")
    one.due_at = max(one.due_at or now, now + REWORK_WITHIN)
    one.notice_at, one.deadline_at = one.due_at, one.due_at + CANCELLED_AFTER
    delivery = _latest(uow, one)
    delivery.rework_words, delivery.answered_at = said, now
    emit(uow, MilestoneReworkAsked(**named(one), version=version))
    return one


def _latest(uow: UnitOfWork, one: OrderMilestone) -> MilestoneDelivery:
    return uow.session.scalars(
        select(MilestoneDelivery).where(
            MilestoneDelivery.milestone_id == one.id, MilestoneDelivery.version == one.version
        )
    ).one()
