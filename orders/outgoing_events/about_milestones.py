"""What both sides are told of services that are delivered in milestones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from orders.order.milestones import MILESTONE, OrderMilestone
from orders.outgoing_events.event_data import MilestoneData, MoneyData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_states


def tell_milestones(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The same to both."""
    wanted = select(OrderMilestone).where(OrderMilestone.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        data = MilestoneData(
            milestone_id=row.id,
            order_id=row.order_id,
            order_line_id=row.order_line_id,
            buyer_id=row.buyer_org_id,
            seller_id=row.seller_org_id,
            position=row.position,
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            version=row.version,
            gross=MoneyData(amount=row.gross_minor, currency=row.currency.strip()),
            due_at=row.due_at,
            deadline_at=row.deadline_at,
        )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


tells_of_states(
    MILESTONE,
    tell_milestones,
    pending="milestone.pending",
    open="milestone.open",
    delivered="milestone.delivered",
    rework="milestone.rework_asked",
    accepted="milestone.accepted",
    cancelled="milestone.cancelled",
)
