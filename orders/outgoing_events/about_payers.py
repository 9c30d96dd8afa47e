"""What both sides' systems are told of who pays for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.payers.models import PAYER_AGREEMENT, PayerAgreement
from marketplace.webhooks.event_types import EventData, EventType, register_types
from orders.outgoing_events.event_data import MoneyData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_states
from orders.outgoing_events.samples import BUYER, FROM, ORDERS, SELLER, same, sample_id


class PayerAgreementData(EventData):
    """An agreement by which one organization pays for what another orders, with its limits as they are."""

    payer_agreement_id: UUID
    org_id: UUID
    org_name: str
    payer_org_id: UUID
    payer_name: str
    by_payer: bool
    invoice_to: str
    monthly_limit: MoneyData | None
    order_limit: MoneyData | None
    accepted_at: datetime | None
    ended_at: datetime | None


_SAMPLE = PayerAgreementData(
    payer_agreement_id=sample_id(97),
    org_id=BUYER.id,
    org_name=BUYER.name,
    payer_org_id=SELLER.id,
    payer_name=SELLER.name,
    by_payer=True,
    invoice_to="payer",
    monthly_limit=MoneyData(amount=5_000_000, currency="CNY"),
    order_limit=None,
    accepted_at=FROM,
    ended_at=None,
)


def tell_payers(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The same to both."""
    ids = [fact.subject_id for fact in facts]
    found = {row.id: row for row in uow.session.scalars(select(PayerAgreement).where(PayerAgreement.id.in_(ids)))}
    for fact in facts:
        row = found[fact.subject_id]
        monthly, order = (
            None if minor is None else MoneyData(amount=minor, currency=row.currency.strip())
            for minor in (row.monthly_limit_minor, row.order_limit_minor)
        )
        data = PayerAgreementData(
            payer_agreement_id=row.id,
            org_id=row.org_id,
            org_name=row.org_name,
            payer_org_id=row.payer_org_id,
            payer_name=row.payer_name,
            by_payer=row.by_payer,
            invoice_to=row.invoice_to,
            monthly_limit=monthly,
            order_limit=order,
            accepted_at=row.accepted_at,
            ended_at=row.ended_at,
        )
        for org_id in row.parties:
            yield Addressed(fact, org_id, data)


tells_of_states(
    PAYER_AGREEMENT,
    tell_payers,
    proposed="payer_agreement.proposed",
    active="payer_agreement.accepted",
    ended="payer_agreement.ended",
)
register_types(
    EventType(
        "payer_agreement.proposed",
        "一方提议由其中一方为另一方付款，等待另一方答复。",
        "One side proposes that one of the two pays for the other; the other side answers.",
        ORDERS,
        same(_SAMPLE),
    ),
    EventType(
        "payer_agreement.accepted",
        "付款约定生效：此后下单可由付款方付款。",
        "It holds: what is ordered from now on may be paid by the payer.",
        ORDERS,
        same(_SAMPLE),
    ),
    EventType(
        "payer_agreement.ended",
        "付款约定已结束，或未被接受。",
        "It ended, or was not accepted.",
        ORDERS,
        same(_SAMPLE),
    ),
)
