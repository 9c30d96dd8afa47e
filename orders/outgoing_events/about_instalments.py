"""What both sides are told of terms that are paid in instalments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from orders.order.instalments import INSTALMENT, Instalment
from orders.order.models import Order
from orders.outgoing_events.event_data import InstalmentData, MoneyData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_states


def tell_instalments(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The same to both."""
    wanted = (
        select(Instalment, Order.id)
        .join(Order, Order.instalment_id == Instalment.id, isouter=True)
        .where(Instalment.id.in_([fact.subject_id for fact in facts]))
    )
    found = {row.id: (row, order_id) for row, order_id in uow.session.execute(wanted)}
    for fact in facts:
        row, order_id = found[fact.subject_id]
        data = InstalmentData(
            instalment_id=row.id,
            subscription_id=row.subscription_id,
            order_line_id=row.order_line_id,
            order_id=order_id,
            buyer_id=row.buyer_org_id,
            seller_id=row.seller_org_id,
            number=row.number,
            count=row.count,
            gross=MoneyData(amount=row.gross_minor, currency=row.currency.strip()),
            due_at=row.due_at,
        )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


tells_of_states(
    INSTALMENT,
    tell_instalments,
    scheduled="instalment.scheduled",
    asked="instalment.asked",
    paid="instalment.paid",
    cancelled="instalment.cancelled",
)
