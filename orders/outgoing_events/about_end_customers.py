"""What both sides' systems are told of dealers and their end customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.end_customers.models import END_CUSTOMER, EndCustomer
from marketplace.webhooks.event_types import EventData, EventType, register_types
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_states
from orders.outgoing_events.samples import BUYER, FROM, ORDERS, SELLER, same, sample_id


class EndCustomerData(EventData):
    """An organization for which a dealer orders; without `org_id` while a link waits for whoever opens it."""

    end_customer_id: UUID
    dealer_org_id: UUID
    dealer_name: str
    org_id: UUID | None
    name: str
    confirmed_at: datetime | None
    ended_at: datetime | None


_SAMPLE = EndCustomerData(
    end_customer_id=sample_id(98),
    dealer_org_id=BUYER.id,
    dealer_name=BUYER.name,
    org_id=SELLER.id,
    name=SELLER.name,
    confirmed_at=FROM,
    ended_at=None,
)


def tell_end_customers(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The same to both."""
    ids = [fact.subject_id for fact in facts]
    found = {row.id: row for row in uow.session.scalars(select(EndCustomer).where(EndCustomer.id.in_(ids)))}
    for fact in facts:
        row = found[fact.subject_id]
        data = EndCustomerData(
            end_customer_id=row.id,
            dealer_org_id=row.dealer_org_id,
            dealer_name=row.dealer_name,
            org_id=row.org_id,
            name=row.name,
            confirmed_at=row.confirmed_at,
            ended_at=row.ended_at,
        )
        for org_id in row.parties:
            yield Addressed(fact, org_id, data)


tells_of_states(
    END_CUSTOMER,
    tell_end_customers,
    asked="end_customer.asked",
    active="end_customer.confirmed",
    ended="end_customer.ended",
)
register_types(
    EventType(
        "end_customer.asked",
        "经销商请一个组织确认由其代为订货。",
        "A dealer asks an organization whether it may order for it.",
        ORDERS,
        same(_SAMPLE),
    ),
    EventType(
        "end_customer.confirmed",
        "终端客户已确认：经销商此后可为其订货。",
        "It confirmed: the dealer may order for it from now on.",
        ORDERS,
        same(_SAMPLE),
    ),
    EventType(
        "end_customer.ended",
        "已结束，或未被确认：经销商不再为其订货。",
        "It ended, or was not confirmed: nothing more is ordered for it.",
        ORDERS,
        same(_SAMPLE),
    ),
)
