"""What both sides are told of changes of subscriptions, and of trials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from orders.amendments.models import AMENDMENT, Amendment
from orders.checkout.quote_models import Quote
from orders.order.models import ENDED_UNPAID, Order, OrderLine, Subscription
from orders.outgoing_events.event_data import (
    AmendmentData,
    MoneyData,
    NextTermData,
    RenewedData,
    SubscriptionData,
    TrialEndedData,
    TrialEndsSoonData,
    TrialExtendedData,
)
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_event, tells_of_states
from orders.subscriptions.events import (
    NextTermScheduled,
    NextTermScheduleWithdrawn,
    TrialConverted,
    TrialEnded,
    TrialEndsSoon,
    TrialExtended,
    TrialStarted,
)


def tell_amendments(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Changes within a term: as any order, one is its seller's business from its payment on."""
    rows = uow.session.execute(
        select(Amendment, OrderLine, Order.state)
        .join(OrderLine, OrderLine.id == Amendment.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Amendment.id.in_([fact.subject_id for fact in facts]))
    )
    found = {row.Amendment.id: row for row in rows}
    for fact in facts:
        row, line, order_state = found[fact.subject_id]
        data = AmendmentData(
            amendment_id=row.id,
            subscription_id=row.subscription_id,
            order_id=line.order_id,
            order_line_id=line.id,
            buyer_id=row.buyer_org_id,
            seller_id=row.seller_org_id,
            quantity=row.quantity,
            quantity_before=row.quantity_before,
            plan_id=row.plan_id,
            plan_id_before=row.plan_id_before,
            ends_at=row.ends_at,
            aligned_to=row.aligned_to,
            gross=MoneyData(amount=line.gross_minor, currency=line.currency),
        )
        yield Addressed(fact, row.buyer_org_id, data)
        was_never_paid = fact.type == "amendment.void" and order_state in ENDED_UNPAID
        if fact.type != "amendment.placed" and not was_never_paid:
            yield Addressed(fact, row.seller_org_id, data)


def tell_changes(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """What is to come of a subscription, and the steps of a trial: both sides are told the same."""
    wanted = select(Subscription).where(Subscription.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    quoted = [UUID(fact.payload["quote_id"]) for fact in facts if fact.payload.get("quote_id")]
    prices = {row.id: row for row in uow.session.scalars(select(Quote).where(Quote.id.in_(quoted)))} if quoted else {}
    for fact in facts:
        data = _said(fact, found[fact.subject_id], prices)
        yield Addressed(fact, data.buyer_id, data)
        yield Addressed(fact, data.seller_id, data)


def _said(fact: RecordedFact, row: Subscription, prices: dict[UUID, Quote]) -> SubscriptionData:
    data = SubscriptionData(
        subscription_id=row.id,
        order_line_id=row.order_line_id,
        buyer_id=row.buyer_org_id,
        seller_id=row.seller_org_id,
        quantity=row.quantity,
        ends_at=row.ends_at,
        auto_renew=row.auto_renew,
    )
    common = data.model_dump()
    match fact.type:
        case "amendment.scheduled":
            quantity, plan_id = fact.payload["quantity"], fact.uuid("plan_id")
            return NextTermData(**common, next_quantity=quantity, next_plan_id=plan_id)
        case "trial.extended":
            return TrialExtendedData(**common, days=fact.payload["days"])
        case "trial.ends_soon":
            quote = prices[fact.uuid("quote_id")] if fact.payload["quote_id"] else None
            price = MoneyData(amount=quote.gross_minor, currency=quote.currency) if quote else None
            return TrialEndsSoonData(**common, days=fact.payload["days"], converts_at=price)
        case "trial.converted":
            return RenewedData(**common, order_id=fact.uuid("order_id"))
        case "trial.ended":
            return TrialEndedData(**common, reason=fact.payload["reason"])
    return data


tells_of_states(
    AMENDMENT,
    tell_amendments,
    began_pending="amendment.placed",
    applied="amendment.applied",
    void="amendment.void",
    reversed="amendment.reversed",
)
tells_of_event(NextTermScheduled, tell_changes, "amendment.scheduled")
tells_of_event(NextTermScheduleWithdrawn, tell_changes, "amendment.withdrawn")
tells_of_event(TrialStarted, tell_changes, "trial.started")
tells_of_event(TrialExtended, tell_changes, "trial.extended")
tells_of_event(TrialEndsSoon, tell_changes, "trial.ends_soon")
tells_of_event(TrialConverted, tell_changes, "trial.converted")
tells_of_event(TrialEnded, tell_changes, "trial.ended")
