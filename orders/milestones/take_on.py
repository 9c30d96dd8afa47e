"""The seller takes an order of services on, or says that it will not: then the money goes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.conclude import give_up, lock_run
from fulfillment.runs.models import Run
from fulfillment.runs.start_run import queue_call
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jobs.outbox import emit
from kernel.text import plain_text
from orders.milestones.events import ServiceTakenOn
from orders.order.locking import find_locked_order, lines_of
from orders.order.milestones import MILESTONE, OrderMilestone, milestones_of
from orders.order.models import Order, OrderLine

CANCELLED_AFTER = timedelta(days=30)
"""What was not delivered so long after it was due never will be: its money goes back."""


def take_on(uow: UnitOfWork, order_id: UUID) -> None:
    """The seller accepts an order of services: its milestones are due from now on, and its delivery is provisioned. Idempotent.

    Raises: NotFound, Conflict `order_not_to_take_on`. Emits: ServiceTakenOn. Locks: the order, its entitlements, their runs.
    """
    order, milestones = _sold(uow, order_id)
    pending = [one for one in milestones if one.state == "pending"]
    if not pending and any(one.state != "cancelled" for one in milestones):
        return
    if order.state != "fulfilling" or not pending:
        raise Conflict("order_not_to_take_on", state=order.state)
    lines = {line.id: line for line in lines_of(uow, order.id)}
    for run, entitlement in _waiting_runs(uow, pending):
        # However late it was taken on, its seller's system has the whole time that was promised.
        run.deadline_at = max(run.deadline_at, _deadline(lines[entitlement.reference]))
        order.deadline_at = max(order.deadline_at or run.deadline_at, run.deadline_at)
        queue_call(uow, run, entitlement)
    due_at: dict[UUID, datetime] = {}
    for one in pending:
        MILESTONE.move(uow, one, "open", org_ids=order.parties, reason="taken_on")
        one.due_at = due_at.get(one.order_line_id, clock.now()) + timedelta(days=one.days)
        due_at[one.order_line_id] = one.due_at
        one.notice_at, one.deadline_at = one.due_at, one.due_at + CANCELLED_AFTER
    emit(uow, ServiceTakenOn(order_id=order.id, buyer_org_id=order.buyer_org_id, seller_org_id=order.seller_org_id))


def refuse(uow: UnitOfWork, order_id: UUID, words: str) -> None:
    """The seller does not take an order on. The delivery has failed, in its words, and the money goes back. Idempotent.

    Raises: NotFound, Invalid `reason_required`, Conflict `order_not_to_take_on`. Emits: DeliveryFailed. Locks: as `take_on`.
    """
    order, milestones = _sold(uow, order_id)
    reason = plain_text(words)[:500]
    if not reason:
        raise Invalid("reason_required", field="reason")
    if order.state in ("delivery_failed", "refunded"):
        return
    pending = [one for one in milestones if one.state == "pending"]
    if order.state != "fulfilling" or not pending:
        raise Conflict("order_not_to_take_on", state=order.state)
    for run, entitlement in _waiting_runs(uow, pending):
        give_up(uow, run, entitlement, state="failed", reason=reason)


def _sold(uow: UnitOfWork, order_id: UUID) -> tuple[Order, list[OrderMilestone]]:
    order = find_locked_order(uow, order_id)
    if order is None or order.seller_org_id != uow.principal.organization() or order.paid_at is None:
        raise NotFound("not_found")
    milestones = milestones_of(uow, order.id)
    if not milestones:
        raise Conflict("order_not_to_take_on", state=order.state)
    return order, milestones


def _waiting_runs(uow: UnitOfWork, pending: Sequence[OrderMilestone]) -> list[tuple[Run, Entitlement]]:
    """The runs that wait for the seller's word, one a line."""
    runs = (
        select(Run.id)
        .join(Entitlement, Entitlement.id == Run.entitlement_id)
        .where(Entitlement.reference.in_({one.order_line_id for one in pending}), Run.operation == "provision")
        .order_by(Run.id)
    )
    return [lock_run(uow, run_id, pending[0].order_id) for run_id in uow.session.scalars(runs)]


def _deadline(line: OrderLine) -> datetime:
    return clock.now() + timedelta(seconds=int(line.plan["deadline_s"]))
