"""The term that a renewal pays for: begun when it is paid, taken back when its money goes back."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, or_, select

from billing.charges.mark_delivered import mark_delivered
from fulfillment.entitlements.models import Entitlement
from fulfillment.provisioning.suspend_entitlement import change_entitlement, resume_entitlement
from fulfillment.usage.change_terms import price_term_usage
from fulfillment.usage.models import UsagePeriod
from kernel import clock
from kernel.calendar import add_months
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import emit, enqueue
from marketplace.pricing.components import PlanPrice
from orders.amendments.amend import applied_orders, change_to, find_amendment
from orders.fulfillment.start_fulfillment import charge_lines
from orders.order.events import OrderActivated
from orders.order.instalments import Instalment, cancel_instalments, paid_part, schedule_instalments
from orders.order.locking import line_of, lines_of, lock_began
from orders.order.models import ORDER, SUBSCRIPTION, Order, OrderLine, Subscription, SubscriptionTerm
from orders.order.span import Span
from orders.subscriptions.calendar import next_step_of
from orders.subscriptions.events import SubscriptionRenewed, TrialConverted
from orders.subscriptions.past_due import owed_is_overdue
from orders.subscriptions.trial_quote import price_again

TERM_BEGINS = "orders.term.begins"


def begin_next_term(uow: UnitOfWork, order: Order) -> bool:
    """Add the term that a paid, locked renewal order pays for. Nothing is delivered anew: what is in use goes on.

    Returns False when its subscription has ended meanwhile: the money has to go back.

    Locks: the order that began the subscription, the subscription, its entitlement. Emits: OrderActivated,
    SubscriptionRenewed, TrialConverted. Idempotent by the order's state.
    """
    if order.state != "paid":
        return True
    subscription, entitlement = _locked(uow, order)
    if subscription.state == "ended":
        return False
    (line,) = lines_of(uow, order.id)
    ORDER.move(uow, order, "fulfilling", org_ids=order.parties)
    if not charge_lines(uow, order):
        # Bought by hand, its sale terms are copied by a job that has not run yet.
        raise LookupError(order.id)
    was_trial = subscription.is_trial
    term = _add_term(uow, subscription, entitlement, line)
    SUBSCRIPTION.move(uow, subscription, "active", org_ids=order.parties, reason="renewed")
    subscription.renewal_quote_id, subscription.ends_at = None, term.ends_at
    subscription.term_price = subscription.next_quantity = subscription.next_plan_id = None
    subscription.renewal_lead_days = line.plan.get("renewal_lead_days", 0)
    if subscription.contract_terms_left:
        subscription.contract_terms_left -= 1
    subscription.term_months = line.term_months
    subscription.next_step_at = next_step_of(subscription)
    if line.price is not None:
        price_term_usage(uow, entitlement, PlanPrice.model_validate(line.price), term.starts_at)
    entitlement.valid_to, entitlement.trial_days, entitlement.past_due_at = term.ends_at, 0, None
    schedule_instalments(uow, subscription, term, line, entitlement.time_zone)
    _let_begin(uow, subscription, term, line)
    may_go_on = entitlement.state == "suspended" and not owed_is_overdue(uow, subscription.id)
    if not (may_go_on and resume_entitlement(uow, entitlement.id, reason="renewed")):
        change_entitlement(uow, entitlement)
    ORDER.move(uow, order, "active", org_ids=order.parties)
    order.active_at = clock.now()
    sides = {"buyer_org_id": order.buyer_org_id, "seller_org_id": order.seller_org_id}
    emit(uow, OrderActivated(order_id=order.id, **sides))
    emit(uow, SubscriptionRenewed(subscription_id=subscription.id, order_id=order.id, **sides))
    if was_trial:
        emit(uow, TrialConverted(subscription_id=subscription.id, order_id=order.id, **sides))
    return True


def let_term_begin(uow: UnitOfWork, subscription: Subscription) -> None:
    """A locked subscription was changed: a next term that is paid for gives, from its beginning on, what it was paid for."""
    row = uow.session.execute(
        select(SubscriptionTerm, OrderLine)
        .join(OrderLine, OrderLine.id == SubscriptionTerm.order_line_id)
        .where(
            SubscriptionTerm.subscription_id == subscription.id,
            SubscriptionTerm.starts_at > clock.now(),
            SubscriptionTerm.revoked_at.is_(None),
        )
    ).first()
    if row is not None:
        _let_begin(uow, subscription, *row)


def _let_begin(uow: UnitOfWork, subscription: Subscription, term: SubscriptionTerm, line: OrderLine) -> None:
    """A term is paid for a day before: until it begins, what is in use is what was paid for."""
    if (line.quantity, line.plan_id) != (subscription.quantity, subscription.plan_id):
        begins = {"subscription_id": str(subscription.id), "order_id": str(line.order_id)}
        enqueue(uow, TERM_BEGINS, begins, dedupe_key=str(term.id), run_at=max(term.starts_at, clock.now()))


def change_with_term(uow: UnitOfWork, order: Order) -> None:
    """The term that a locked renewal order paid for has begun, with another quantity or plan than the one before. Where that is
    more, its money goes back if the seller's system does not make it (`orders.amendments.undelivered`).

    Locks: as `begin_next_term`. Idempotent by the content.
    """
    subscription, entitlement = _locked(uow, order)
    term, (line,) = term_of(uow, order), lines_of(uow, order.id)
    is_running = term is not None and term.revoked_at is None and term.ends_at == subscription.ends_at
    as_it_is = (subscription.quantity, subscription.plan_id)
    if term is not None and is_running and subscription.state != "ended" and as_it_is != (line.quantity, line.plan_id):
        if line.quantity > subscription.quantity or line.plan_id != subscription.plan_id:
            term.told_at = clock.now()
        change_to(uow, subscription, entitlement, line.quantity, line.plan_id)


_TERM = Read(
    select(SubscriptionTerm)
    .join(OrderLine, OrderLine.id == SubscriptionTerm.order_line_id)
    .where(OrderLine.order_id == bindparam("order_id"))
)
_LAST_NUMBER = Read(
    select(SubscriptionTerm.number)
    .where(SubscriptionTerm.subscription_id == bindparam("subscription_id"))
    .order_by(SubscriptionTerm.number.desc())
    .limit(1)
)


def term_of(uow: UnitOfWork, order: Order) -> SubscriptionTerm | None:
    """The term that a renewal order paid for."""
    # One that has just been begun is to be found, too.
    uow.flush()
    found: SubscriptionTerm | None = uow.find(_TERM, order_id=order.id)
    return found


def paid_span(uow: UnitOfWork, order: Order) -> SubscriptionTerm | Span:
    """The time that an order of a subscription pays for: a term or a part of it, what is left of one, or a period of usage."""
    if order.usage_period_id is not None:
        period = uow.session.get_one(UsagePeriod, order.usage_period_id)
        return Span(period.starts_at, period.ends_at)
    if order.instalment_id is not None:
        instalment = uow.session.get_one(Instalment, order.instalment_id)
        return Span(instalment.due_at, instalment.ends_at)
    term = term_of(uow, order)
    if term is not None:
        return _paid_part(uow, term)
    amendment = find_amendment(uow, order)
    assert amendment is not None  # noqa: S101 - it pays for a term, or for a change
    assert amendment.applied_at is not None  # noqa: S101 - an active one has been made
    if amendment.aligned_to is not None:
        return Span(amendment.ends_at, amendment.aligned_to)
    return Span(amendment.applied_at, amendment.ends_at)


def _paid_part(uow: UnitOfWork, term: SubscriptionTerm) -> SubscriptionTerm | Span:
    line = line_of(uow, term.order_line_id)
    if not line.plan.get("instalments"):
        return term
    subscription = uow.session.get_one(Subscription, term.subscription_id)
    zone = select(Entitlement.time_zone).where(Entitlement.reference == subscription.order_line_id)
    return paid_part(line, term, subscription, uow.session.scalars(zone).one())


def release_term(uow: UnitOfWork, lines: Sequence[OrderLine], term: SubscriptionTerm | Span) -> None:
    """Start the hold of the shares of what a subscription was paid for: with that time, which may be still to come."""
    for line in lines:
        if line.gross_minor:
            mark_delivered(uow, line.id, at=max(term.starts_at, clock.now()))


def take_back_term(uow: UnitOfWork, order: Order) -> Sequence[UUID]:
    """A locked renewal order's money went back: its subscription ends with the terms before, at once where those are over. One
    that is in a later term, which is paid for, goes on.

    Returns the orders of what was added within that term and of the terms after it, whose money goes back with it.

    Locks: as `begin_next_term`.
    """
    subscription, entitlement = _locked(uow, order)
    term = term_of(uow, order)
    if term is None or term.revoked_at is not None:
        return ()
    term.revoked_at = clock.now()
    is_followed = subscription.ends_at > term.ends_at
    if is_followed and term.ends_at <= clock.now():
        return ()
    cancel_instalments(uow, Instalment.order_line_id == term.order_line_id, ("scheduled", "asked", "paid"))
    if subscription.state == "ended":
        return ()
    owed = [*applied_orders(uow, [subscription.id], within=term), *_orders_after(uow, term)]
    subscription.ends_at = min(subscription.ends_at, max(term.starts_at, clock.now()))
    subscription.auto_renew, subscription.next_step_at = False, None
    if subscription.contract_terms_left is not None:
        subscription.contract_terms_left += 1
    entitlement.valid_to, entitlement.trial_days = subscription.ends_at, subscription.tried_days
    subscription.term_months = _months_before(uow, term)
    if subscription.is_trial:
        # What follows the trial can be bought again, at the price that was told.
        subscription.renewal_quote_id = price_again(uow, subscription)
    return owed


def _months_before(uow: UnitOfWork, term: SubscriptionTerm) -> int:
    """Of the term before one that stands."""
    return uow.session.scalars(
        select(OrderLine.term_months)
        .join(SubscriptionTerm, SubscriptionTerm.order_line_id == OrderLine.id)
        .where(
            SubscriptionTerm.subscription_id == term.subscription_id,
            SubscriptionTerm.number < term.number,
            or_(SubscriptionTerm.revoked_at.is_(None), SubscriptionTerm.number == 1),
        )
        .order_by(SubscriptionTerm.number.desc())
        .limit(1)
    ).one()


def _orders_after(uow: UnitOfWork, term: SubscriptionTerm) -> Sequence[UUID]:
    """The orders of terms that follow one and are paid for."""
    return uow.session.scalars(
        select(OrderLine.order_id)
        .join(SubscriptionTerm, SubscriptionTerm.order_line_id == OrderLine.id)
        .where(
            SubscriptionTerm.subscription_id == term.subscription_id,
            SubscriptionTerm.number > term.number,
            SubscriptionTerm.revoked_at.is_(None),
        )
    ).all()


def _add_term(
    uow: UnitOfWork, subscription: Subscription, entitlement: Entitlement, line: OrderLine
) -> SubscriptionTerm:
    number = uow.find(_LAST_NUMBER, subscription_id=subscription.id)
    assert number is not None  # noqa: S101 - a subscription begins with its first term
    return uow.add(
        SubscriptionTerm(
            id=uuid7(),
            subscription_id=subscription.id,
            buyer_org_id=line.buyer_org_id,
            seller_org_id=line.seller_org_id,
            number=number + 1,
            order_line_id=line.id,
            starts_at=subscription.ends_at,
            ends_at=add_months(
                subscription.ends_at,
                line.term_months,
                time_zone=entitlement.time_zone,
                anchor_day=subscription.anchor_day,
            ),
        )
    )


_GIVEN = Read(
    select(Subscription, Entitlement)
    .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
    .where(Subscription.id == bindparam("subscription_id"))
    .with_for_update(of=(Subscription, Entitlement))
)


def _locked(uow: UnitOfWork, order: Order) -> tuple[Subscription, Entitlement]:
    """The subscription of a renewal order and what it gives."""
    assert order.subscription_id is not None  # noqa: S101 - it is for one
    lock_began(uow, order.subscription_id)
    (row,) = uow.fetch(_GIVEN, subscription_id=order.subscription_id)
    return row.Subscription, row.Entitlement
