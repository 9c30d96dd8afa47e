"""A subscription's life as one line: what was paid, told, tried and changed, and what the calendar holds next.

Each of its three sides sees the same line. Why a try failed is read by whoever pays it, and by the platform; a seller sees that
money was asked for, and whether it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import literal, or_, select, union_all
from sqlalchemy.orm import aliased

from billing.payments.models import UNRESOLVED, Payment, PaymentAllocation
from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.models import EventRow
from kernel.states import StateHistory
from marketplace.catalog.models import Plan
from marketplace.test_clocks.own_time import find_own_time
from orders.amendments.models import Amendment
from orders.checkout.quote_models import Quote
from orders.order.instalments import Instalment
from orders.order.models import OWED, Order, OrderLine, Subscription, SubscriptionTerm
from orders.refunds.models import RefundCase
from orders.subscriptions.calendar import steps_ahead
from orders.subscriptions.events import RenewalRefused, SubscriptionNoticed
from orders.subscriptions.queries import Side, is_side_of
from orders.subscriptions.schedule import RENEWS_BEFORE, steps_past_due
from orders.tracing.course_nodes import course_nodes

EntryKind = Literal[
    "term",
    "term_revoked",
    "notice",
    "renew",
    "renewal_refused",
    "amendment",
    "amendment_revoked",
    "try",
    "retry",
    "past_due",
    "recovered",
    "suspend",
    "resumed",
    "terminate",
    "end",
    "usage",
    "instalment",
    "refund_case",
    "seat_given",
    "seat_revoked",
    "episode_completed",
]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to a subscription, or (`is_due`) that will, unless something else comes before.

    `days`: before the end, of a notice; after the first try, of a retry. `number`: of the term, or of the instalment. `state`: of
    the change that was bought, of the payment that was tried, of the order for usage or an instalment, or what a request for a
    refund came to. `ends_at`, `ends_at_before`: of a change of the term's end. `reason`: a code. The amount is the order's, what
    was told of the next term, or what was asked back or granted.
    """

    at: datetime
    kind: EntryKind
    is_due: bool = False
    days: int | None = None
    number: int | None = None
    state: str | None = None
    reason: str | None = None
    quantity: int | None = None
    quantity_before: int | None = None
    plan_name: str | None = None
    plan_name_en: str | None = None
    ends_at: datetime | None = None
    ends_at_before: datetime | None = None
    amount_minor: int | None = None
    currency: str | None = None
    order_id: UUID | None = None
    title: str | None = None
    """Of an episode."""
    title_en: str | None = None


_RANK: dict[EntryKind, int] = {
    "term": 0,
    "renew": 1,
    "usage": 1,
    "instalment": 1,
    "try": 2,
    "retry": 3,
    "past_due": 4,
    "end": 9,
    "terminate": 9,
}
"""Of what is at the same instant."""


def subscription_timeline(uow: UnitOfWork, subscription_id: UUID, side: Side) -> list[TimelineEntry]:
    """Everything in its order, the first thing first. Raises NotFound; Forbidden as `is_side_of`."""
    row = uow.session.execute(
        select(Subscription, OrderLine, Entitlement.id)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
        .where(Subscription.id == subscription_id, is_side_of(uow, side))
    ).first()
    if row is None:
        raise NotFound("not_found")
    subscription, line, entitlement_id = row
    # What is still to come is the same for all three, at the buyer's time.
    with clock.living_at(find_own_time(uow, subscription.buyer_org_id)):
        tries, is_unpaid = _tries(uow, subscription_id, side)
        found = [
            *_terms(uow, subscription_id),
            *_announced(uow, subscription, side),
            *_moves(uow, subscription, entitlement_id),
            *_amendments(uow, subscription_id),
            *tries,
            *_owed(uow, subscription_id),
            *_instalments_due(uow, subscription_id),
            *_asked_back(uow, subscription_id, line.order_id),
            *(_learned(uow, entitlement_id) if side != "seller" else ()),
            *_due(subscription, is_unpaid=is_unpaid),
        ]
    return sorted(found, key=lambda one: (one.at, _RANK.get(one.kind, 5)))


def _terms(uow: UnitOfWork, subscription_id: UUID) -> Iterator[TimelineEntry]:
    rows = uow.session.execute(
        select(SubscriptionTerm, OrderLine)
        .join(OrderLine, OrderLine.id == SubscriptionTerm.order_line_id)
        .where(SubscriptionTerm.subscription_id == subscription_id)
    )
    for term, line in rows:
        # One that went back before it began never was.
        if term.revoked_at is None or term.revoked_at > term.starts_at:
            yield TimelineEntry(
                term.starts_at,
                "term",
                is_due=term.starts_at > clock.now(),
                number=term.number,
                quantity=line.quantity,
                plan_name=line.plan["plan_name"],
                plan_name_en=line.plan["plan_name_en"],
                amount_minor=line.gross_minor,
                currency=line.currency.strip(),
                order_id=line.order_id,
            )
        if term.revoked_at is not None:
            yield TimelineEntry(term.revoked_at, "term_revoked", number=term.number, order_id=line.order_id)


def _announced(uow: UnitOfWork, subscription: Subscription, side: Side) -> Iterator[TimelineEntry]:
    """Notices and refusals. What a notice said the next term costs is the buyer's, and the platform's, to see."""
    rows = uow.session.scalars(
        select(EventRow).where(
            EventRow.subject_id == subscription.id,
            EventRow.topic.in_((SubscriptionNoticed.topic, RenewalRefused.topic)),
            EventRow.occurred_at >= subscription.created_at,
        )
    ).all()
    quote_ids = {UUID(row.payload["quote_id"]) for row in rows if row.payload.get("quote_id")}
    prices: dict[UUID, tuple[int, str]] = {}
    if quote_ids and side != "seller":
        quotes = select(Quote.id, Quote.gross_minor, Quote.currency).where(Quote.id.in_(quote_ids))
        prices = {quote_id: (gross, currency.strip()) for quote_id, gross, currency in uow.session.execute(quotes)}
    for row in rows:
        if row.topic == RenewalRefused.topic:
            yield TimelineEntry(row.occurred_at, "renewal_refused", reason=row.payload["reason"])
            continue
        named = row.payload.get("quote_id")
        amount, currency = prices.get(UUID(named), (None, None)) if named else (None, None)
        yield TimelineEntry(
            row.occurred_at,
            "notice",
            days=row.payload["days"],
            state="renews" if named else "ends",
            amount_minor=amount,
            currency=currency,
        )


_MOVES: dict[tuple[str, str | None, str], EntryKind] = {
    ("subscription", "active", "past_due"): "past_due",
    ("subscription", "past_due", "active"): "recovered",
    ("subscription", "active", "ended"): "end",
    ("subscription", "past_due", "ended"): "end",
    ("entitlement", "active", "suspended"): "suspend",
    ("entitlement", "suspended", "active"): "resumed",
    ("amendment", "applied", "reversed"): "amendment_revoked",
}


def _moves(uow: UnitOfWork, subscription: Subscription, entitlement_id: UUID) -> Iterator[TimelineEntry]:
    # As one list, so that each is looked up by its key.
    subjects = union_all(
        select(literal(subscription.id)),
        select(literal(entitlement_id)),
        select(Amendment.id).where(Amendment.subscription_id == subscription.id),
    )
    rows = uow.session.scalars(
        select(StateHistory).where(
            StateHistory.subject_id.in_(subjects),
            StateHistory.at >= subscription.created_at,
        )
    )
    for row in rows:
        kind = _MOVES.get((row.machine, row.from_state, row.to_state))
        if kind is not None:
            yield TimelineEntry(row.at, kind, reason=row.reason)


def _amendments(uow: UnitOfWork, subscription_id: UUID) -> Iterator[TimelineEntry]:
    before = aliased(Plan)
    rows = uow.session.execute(
        select(Amendment, OrderLine, Plan.name, Plan.name_en)
        .join(OrderLine, OrderLine.id == Amendment.order_line_id)
        .join(Plan, Plan.id == Amendment.plan_id)
        .join(before, before.id == Amendment.plan_id_before)
        .where(Amendment.subscription_id == subscription_id)
    )
    for amendment, line, name, name_en in rows:
        other = amendment.plan_id != amendment.plan_id_before
        yield TimelineEntry(
            amendment.applied_at or amendment.created_at,
            "amendment",
            state=amendment.state,
            quantity=amendment.quantity,
            quantity_before=amendment.quantity_before,
            plan_name=(name or name_en) if other else None,
            plan_name_en=(name_en or name) if other else None,
            ends_at=amendment.aligned_to,
            ends_at_before=amendment.ends_at if amendment.aligned_to is not None else None,
            amount_minor=line.gross_minor,
            currency=line.currency.strip(),
            order_id=line.order_id,
        )


def _tries(uow: UnitOfWork, subscription_id: UUID, side: Side) -> tuple[list[TimelineEntry], bool]:
    """Every payment that was asked for what follows the first sale, and whether a next term waits for its money."""
    pays = (
        select(Order, PaymentAllocation, Amendment.id.label("amendment_id"), Payment.state, Payment.error_code)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(PaymentAllocation, PaymentAllocation.reference == Order.id)
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .join(Amendment, Amendment.order_line_id == OrderLine.id, isouter=True)
        .where(Order.subscription_id == subscription_id)
        .order_by(PaymentAllocation.created_at, PaymentAllocation.id)
    )
    with as_platform(uow):
        # A payment is its payer's alone; of what the subscription's seller is to see of it, the state is all.
        rows = uow.session.execute(pays).all()
    is_unpaid = any(
        row.Order.state == "pending_payment" and row.amendment_id is None and not row.Order.is_owed for row in rows
    )
    found = [
        TimelineEntry(
            row.PaymentAllocation.created_at,
            "try",
            state="processing" if side == "seller" and row.state in UNRESOLVED else row.state,
            reason=None if side == "seller" else row.error_code,
            amount_minor=row.PaymentAllocation.amount_minor,
            currency=row.PaymentAllocation.currency.strip(),
            order_id=row.Order.id,
        )
        for row in rows
    ]
    return found, is_unpaid


def _instalments_due(uow: UnitOfWork, subscription_id: UUID) -> Iterator[TimelineEntry]:
    scheduled = select(Instalment).where(Instalment.subscription_id == subscription_id, Instalment.state == "scheduled")
    for row in uow.session.scalars(scheduled):
        yield TimelineEntry(
            row.due_at,
            "instalment",
            is_due=True,
            number=row.number,
            amount_minor=row.gross_minor,
            currency=row.currency.strip(),
        )


def _owed(uow: UnitOfWork, subscription_id: UUID) -> Iterator[TimelineEntry]:
    """What was asked for closed periods and instalments, and what follows where it is not paid."""
    now = clock.now()
    rows = uow.session.execute(
        select(Order, Instalment.number)
        .join(Instalment, Instalment.id == Order.instalment_id, isouter=True)
        .where(Order.subscription_id == subscription_id, OWED)
    )
    for order, number in rows:
        yield TimelineEntry(
            order.created_at,
            "usage" if order.instalment_id is None else "instalment",
            number=number,
            state=order.state,
            amount_minor=order.gross_minor,
            currency=order.currency.strip(),
            order_id=order.id,
        )
        if order.state == "pending_payment":
            for step in steps_past_due(order.created_at + RENEWS_BEFORE):
                if step.at > now:
                    yield TimelineEntry(step.at, step.kind, is_due=True, days=step.days or None, order_id=order.id)


def _asked_back(uow: UnitOfWork, subscription_id: UUID, first_order_id: UUID) -> Iterator[TimelineEntry]:
    """Each step of what was asked back of its orders after their windows; of what was granted, that amount."""
    rows = uow.session.execute(
        select(RefundCase, StateHistory)
        .join(Order, Order.id == RefundCase.order_id)
        .join(StateHistory, (StateHistory.subject_id == RefundCase.id) & (StateHistory.at >= RefundCase.created_at))
        .where(or_(Order.subscription_id == subscription_id, Order.id == first_order_id))
    )
    for case, step in rows:
        granted = case.granted_minor if step.to_state == "granted" else None
        yield TimelineEntry(
            step.at,
            "refund_case",
            state=step.to_state,
            amount_minor=granted or case.asked_minor,
            currency=case.currency.strip(),
            order_id=case.order_id,
        )


def _learned(uow: UnitOfWork, entitlement_id: UUID) -> Iterator[TimelineEntry]:
    """Of a course: seats that were given and taken back, episodes that were completed; the latest of each."""
    for node in course_nodes(uow, [entitlement_id]):
        if node.at is not None and node.kind == "seat":
            yield TimelineEntry(node.at, "seat_given")
            if (until := node.facts.get("revoked_at")) is not None:
                yield TimelineEntry(datetime.fromisoformat(until), "seat_revoked")
        elif node.at is not None and node.state == "completed":
            yield TimelineEntry(node.at, "episode_completed", title=node.title or None, title_en=node.title_en or None)


def _due(subscription: Subscription, *, is_unpaid: bool) -> Iterator[TimelineEntry]:
    """What the calendar holds, as long as nothing else comes before."""
    now, ends_at = clock.now(), subscription.ends_at
    if subscription.state == "ended":
        return
    tried = subscription.tried_days
    # What follows a trial and was bought by hand ends with it, where that is not paid.
    if subscription.state == "past_due" or (is_unpaid and (subscription.auto_renew or not subscription.is_trial)):
        if ends_at > now:
            yield TimelineEntry(ends_at, "past_due", is_due=True)
        for step in steps_past_due(ends_at, trial_days=tried):
            if step.at > now:
                yield TimelineEntry(step.at, step.kind, is_due=True, days=step.days or None)
        return
    for step in steps_ahead(subscription):
        if step.at > now:
            yield TimelineEntry(step.at, step.kind, is_due=True, days=step.days or None)
    if not subscription.goes_on:
        over = subscription.contract_terms_left == 0
        yield TimelineEntry(ends_at, "end", is_due=True, reason="contract_over" if over else None)
