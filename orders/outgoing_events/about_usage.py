"""What both sides are told of metered usage: thresholds, caps, what was charged, lines that are questioned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from fulfillment.usage.events import UsageAlerted, UsageChallengeAnswered, UsageChallenged
from fulfillment.usage.models import MeteredTerms, UsageChallenge, UsageLine, UsagePeriod
from fulfillment.usage.terms import dimension_names, names_in
from kernel.db.uow import UnitOfWork
from orders.order.models import Order
from orders.outgoing_events.event_data import MoneyData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_event
from orders.outgoing_events.usage_event_data import (
    UsageAlertedData,
    UsageCapReachedData,
    UsageChallengeAnsweredData,
    UsageChallengeData,
    UsageChargedData,
    UsageLineData,
)
from orders.usage.events import UsageCharged, UsageUnpaid


def tell_alerts(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Thresholds and caps. A soft cap is its buyer's own; at a hard one the seller has to stop, and is told."""
    rows = uow.session.execute(
        select(UsagePeriod, MeteredTerms.price)
        .join(MeteredTerms, MeteredTerms.id == UsagePeriod.terms_id)
        .where(UsagePeriod.id.in_([fact.subject_id for fact in facts]))
    )
    found = {row.UsagePeriod.id: row for row in rows}
    for fact in facts:
        period, price = found[fact.subject_id]
        dimension = fact.payload["dimension"]
        name, name_en = names_in(price, dimension)
        common = _period(period) | {"dimension": dimension, "name": name, "name_en": name_en}
        data: UsageAlertedData | UsageCapReachedData
        if fact.type == "usage.alerted":
            data = UsageAlertedData(**common, percent=fact.payload["percent"])
        else:
            data = UsageCapReachedData(**common, kind=fact.payload["of"])
        yield Addressed(fact, period.buyer_org_id, data)
        if fact.payload["of"] != "soft":
            yield Addressed(fact, period.seller_org_id, data)


def tell_charges(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The order of a period with its lines; both sides are told the same, as each sees it on its page of the period."""
    rows = uow.session.execute(
        select(Order, UsagePeriod)
        .join(UsagePeriod, UsagePeriod.id == Order.usage_period_id)
        .where(Order.id.in_([fact.subject_id for fact in facts]))
    )
    found = {row.Order.id: row for row in rows}
    lines: dict[UUID, list[UsageLineData]] = defaultdict(list)
    of_periods = select(UsageLine).where(UsageLine.period_id.in_([row.UsagePeriod.id for row in found.values()]))
    for line in uow.session.scalars(of_periods.order_by(UsageLine.kind.desc(), UsageLine.dimension)):
        lines[line.period_id].append(_line(line))
    for fact in facts:
        order, period = found[fact.subject_id]
        data = UsageChargedData(
            **_period(period),
            order_id=order.id,
            subscription_id=fact.uuid("subscription_id"),
            lines=lines[period.id],
            credited=_money(period.credited_minor, period.currency),
            gross=_money(order.gross_minor, order.currency),
        )
        yield Addressed(fact, order.buyer_org_id, data)
        yield Addressed(fact, order.seller_org_id, data)


def tell_challenges(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """A line that is questioned, and the answer: both sides read each other's words."""
    rows = uow.session.execute(
        select(UsageChallenge, UsageLine, UsagePeriod)
        .join(UsageLine, UsageLine.id == UsageChallenge.line_id)
        .join(UsagePeriod, UsagePeriod.id == UsageLine.period_id)
        .where(UsageChallenge.id.in_([fact.subject_id for fact in facts]))
    )
    found = {row.UsageChallenge.id: row for row in rows}
    for fact in facts:
        row, line, period = found[fact.subject_id]
        data = UsageChallengeData(
            **_period(period),
            challenge_id=row.id,
            line_id=line.id,
            line=_line(line),
            question=row.question,
            deadline_at=row.deadline_at,
        )
        if fact.type == "usage.challenge_answered":
            data = UsageChallengeAnsweredData(
                **dict(data),
                outcome=fact.payload["outcome"],
                answer=row.answer,
                credit=_money(row.credit_minor, line.currency),
            )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


def _period(row: UsagePeriod) -> dict[str, Any]:
    return {
        "usage_period_id": row.id,
        "entitlement_id": row.entitlement_id,
        "buyer_id": row.buyer_org_id,
        "seller_id": row.seller_org_id,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
    }


def _line(row: UsageLine) -> UsageLineData:
    name, name_en = dimension_names(row.explained, row.dimension)
    return UsageLineData(
        kind=row.kind,
        dimension=row.dimension,
        name=name,
        name_en=name_en,
        quantity=_plain(row.quantity),
        amount=_money(row.amount_minor, row.currency),
    )


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}" if quantity else "0"


def _money(amount_minor: int, currency: str) -> MoneyData:
    return MoneyData(amount=amount_minor, currency=currency.strip())


def _of_alert(payload: Mapping[str, Any]) -> str:
    return "usage.alerted" if payload["of"] == "included" else "usage.cap_reached"


tells_of_event(UsageAlerted, tell_alerts, "usage.alerted", "usage.cap_reached", by=_of_alert)
tells_of_event(UsageCharged, tell_charges, "usage.charged")
tells_of_event(UsageUnpaid, tell_charges, "usage.unpaid")
tells_of_event(UsageChallenged, tell_challenges, "usage.challenged")
tells_of_event(UsageChallengeAnswered, tell_challenges, "usage.challenge_answered")
