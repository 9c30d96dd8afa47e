"""Subscriptions: one id for life, periods as rows under it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.validity import first_end
from kernel import clock
from kernel.calendar import add_months
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from orders.amendments.amend import applied_orders
from orders.order.instalments import Instalment, cancel_instalments, paid_part, schedule_instalments
from orders.order.locking import LineDelivery, deliveries_of, subscriptions_of
from orders.order.models import SUBSCRIPTION, Order, OrderLine, Subscription, SubscriptionTerm
from orders.order.span import FirstTerm, Span, first_term_of
from orders.subscriptions.calendar import next_step_of
from orders.subscriptions.events import TrialEnded, TrialStarted
from orders.subscriptions.finish_orders import finish_orders_of
from orders.subscriptions.trial_quote import begun_trial, frozen_quote


def begin_subscriptions(uow: UnitOfWork, deliveries: Sequence[LineDelivery], department_id: UUID | None) -> Span | None:
    """Begin a subscription for each recurring line of an order that has become active.

    The first term runs from the moment the entitlement became active: nobody pays for waiting. Idempotent by the line.
    `department_id`: whose spending it is. Returns the first of the times that were paid for. Emits: TrialStarted.
    """
    begun = [
        _begin(uow, one.line, one.entitlement, department_id)
        for one in deliveries
        if one.line.term_months and one.entitlement is not None and one.subscription_id is None
    ]
    return min(begun, key=lambda span: span.starts_at, default=None)


def _begin(uow: UnitOfWork, line: OrderLine, entitlement: Entitlement, department_id: UUID | None) -> Span:
    starts_at = entitlement.valid_from
    assert starts_at is not None  # noqa: S101 - an active entitlement has begun
    trial, days = begun_trial(uow, line), entitlement.trial_days
    ends_at = first_end(entitlement, starts_at)
    auto_renew = trial is not None and trial.converts
    # What is paid for begins with the end of what was tried.
    paid_from = ends_at if trial is not None else starts_at
    time_zone, first = entitlement.time_zone, first_term_of(line.plan)
    if first is not None:
        # Later terms end on that day, too; where it had passed before anything was delivered, on the one it came to.
        entitlement.first_ends_at, paid_from = ends_at, ends_at
    subscription = Subscription(
        id=uuid7(),
        buyer_org_id=line.buyer_org_id,
        seller_org_id=line.seller_org_id,
        order_line_id=line.id,
        quantity=line.quantity,
        plan_id=line.plan_id,
        term_price=None,
        next_quantity=None,
        next_plan_id=None,
        anchor_day=_anchor_day(first, ends_at) or paid_from.astimezone(ZoneInfo(time_zone)).day,
        term_months=line.term_months,
        ends_at=ends_at,
        auto_renew=auto_renew,
        next_step_at=None,
        renewal_quote_id=frozen_quote(uow, trial, ends_at).id if trial is not None else None,
        trial_ends_at=ends_at if trial is not None else None,
        trial_days=days or None,
        renewal_lead_days=line.plan.get("renewal_lead_days", 0),
        department_id=department_id,
        contract_terms_left=_terms_left(line, is_trial=trial is not None),
    )
    subscription.next_step_at = next_step_of(subscription)
    SUBSCRIPTION.begin(uow, subscription, org_ids=[line.buyer_org_id, line.seller_org_id])
    uow.add(subscription)
    if trial is not None:
        emit(uow, TrialStarted(subscription_id=subscription.id, **_sides(subscription)))
    term = uow.add(
        SubscriptionTerm(
            id=uuid7(),
            subscription_id=subscription.id,
            buyer_org_id=line.buyer_org_id,
            seller_org_id=line.seller_org_id,
            number=1,
            order_line_id=line.id,
            starts_at=starts_at,
            ends_at=ends_at,
            revoked_at=None,
            priced_until=add_months(starts_at, line.term_months, time_zone=time_zone) if first is not None else None,
        )
    )
    schedule_instalments(uow, subscription, term, line, entitlement.time_zone)
    return paid_part(line, term, subscription, entitlement.time_zone)


def _anchor_day(first: FirstTerm | None, ends_at: datetime) -> int | None:
    return first.anchor_day if first is not None and first.ends_at == ends_at else None


def _terms_left(line: OrderLine, *, is_trial: bool) -> int | None:
    """How many paid terms may follow the first one, which a trial is none of."""
    terms = line.plan.get("contract_terms", 0)
    return (terms if is_trial else terms - 1) if terms else None


def _sides(subscription: Subscription) -> dict[str, UUID]:
    return {"buyer_org_id": subscription.buyer_org_id, "seller_org_id": subscription.seller_org_id}


def end_subscriptions(uow: UnitOfWork, order: Order) -> Sequence[UUID]:
    """End the subscriptions an order began, but for those in a later term. Returns the orders that paid for what will now not be
    given: terms, changes.

    Emits: TrialEnded.
    """
    later = in_later_terms(uow, order)
    ended = [one for one in subscriptions_of(uow, order.id) if one.order_line_id not in later]
    for subscription in ended:
        if SUBSCRIPTION.move(uow, subscription, "ended", org_ids=order.parties) and subscription.is_trial:
            emit(uow, TrialEnded(subscription_id=subscription.id, **_sides(subscription), reason="order_closed"))
        subscription.next_step_at = None
        finish_orders_of(uow, subscription.id)
    if not ended:
        return ()
    began, mine = [one.order_line_id for one in ended], Instalment.subscription_id.in_([one.id for one in ended])
    cancel_instalments(uow, mine)
    cancel_instalments(uow, Instalment.order_line_id.in_(began), ("paid",))
    terms = uow.session.scalars(
        select(OrderLine.order_id)
        .join(SubscriptionTerm, SubscriptionTerm.order_line_id == OrderLine.id)
        .where(
            SubscriptionTerm.subscription_id.in_([one.id for one in ended]),
            SubscriptionTerm.starts_at > clock.now(),
            SubscriptionTerm.revoked_at.is_(None),
        )
    ).all()
    return (*terms, *applied_orders(uow, [one.id for one in ended]))


def entitlements_over(uow: UnitOfWork, order: Order) -> list[UUID]:
    """What a locked order gives that is over with its money, by id."""
    later = in_later_terms(uow, order)
    given = (one.entitlement for one in deliveries_of(uow, order.id) if one.line.id not in later)
    return sorted(one.id for one in given if one is not None)


def in_later_terms(uow: UnitOfWork, order: Order) -> set[UUID]:
    """The lines of a locked order whose subscriptions are in a term that another order paid for."""
    running = (
        select(Subscription.order_line_id)
        .join(SubscriptionTerm, SubscriptionTerm.subscription_id == Subscription.id)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .where(
            OrderLine.order_id == order.id,
            Subscription.state != "ended",
            SubscriptionTerm.number > 1,
            SubscriptionTerm.revoked_at.is_(None),
            SubscriptionTerm.starts_at <= clock.now(),
        )
    )
    return set(uow.session.scalars(running))
