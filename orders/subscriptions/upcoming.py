"""What an organization will be charged for what recurs, as far as it is known today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from fulfillment.usage.queries import open_periods
from kernel import clock
from kernel.calendar import add_months
from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from orders.order.instalments import Instalment
from orders.order.models import OrderLine, Subscription
from orders.order.untaxed import untaxed_of
from orders.subscriptions.queries import SubscriptionView, own_rows, views_of
from orders.subscriptions.schedule import renews_before

AHEAD = timedelta(days=90)
MOST = 1000


@dataclass(frozen=True, slots=True)
class UpcomingCharge:
    """One term to be paid for, or (`is_usage`) what was used in a period that is not closed yet.

    `is_told`: the price is fixed; else it is what the plan costs today, or what was used by now, tax in it or on top.
    """

    at: datetime
    subscription_id: UUID
    seller_name: str
    title: str
    title_en: str
    amount_minor: int
    currency: str
    is_told: bool
    tax_included: bool
    is_usage: bool = False
    instalment: int = 0
    """Of a term that is paid in several, which one it is; 0 of any other charge."""


def upcoming_charges(uow: UnitOfWork, *, ahead: timedelta = AHEAD) -> list[UpcomingCharge]:
    """Of all subscriptions that go on, within `ahead`, the next first; what waits for its money already is due now.

    Of usage, what was used by now in periods that are still open. Of terms that are paid in instalments, each that is not paid,
    also where nothing follows the term.
    """
    statement = (
        own_rows(uow)
        .where(
            state_in(Subscription.state, "active", "past_due"),
            Subscription.auto_renew.is_(True),
            Subscription.contract_terms_left.is_distinct_from(0),
        )
        .order_by(Subscription.ends_at, Subscription.id)
        .limit(MOST)
    )
    found: list[UpcomingCharge] = []
    for view, row in views_of(uow, statement):
        found += _charges(view, row.Subscription, row.Entitlement, clock.now() + ahead)
    found += _usage(uow, clock.now() + ahead)
    found += _instalments(uow, clock.now() + ahead)
    return sorted(found, key=lambda one: (one.at, one.subscription_id))


def _instalments(uow: UnitOfWork, until: datetime) -> list[UpcomingCharge]:
    rows = uow.session.execute(
        select(Instalment, OrderLine.plan)
        .join(OrderLine, OrderLine.id == Instalment.order_line_id)
        .where(
            Instalment.buyer_org_id == uow.principal.organization(),
            Instalment.state.in_(("scheduled", "asked")),
            Instalment.due_at <= until,
        )
        .order_by(Instalment.due_at)
        .limit(MOST)
    )
    return [
        UpcomingCharge(
            at=max(row.due_at, clock.now()),
            subscription_id=row.subscription_id,
            seller_name=plan["seller_name"],
            title=plan["title"],
            title_en=plan["title_en"],
            amount_minor=row.gross_minor,
            currency=row.currency.strip(),
            is_told=True,
            tax_included=True,
            instalment=row.number,
        )
        for row, plan in rows
    ]


def _usage(uow: UnitOfWork, until: datetime) -> list[UpcomingCharge]:
    periods = {one.entitlement_id: one for one in open_periods(uow) if one.closes_at <= until}
    if not periods:
        return []
    rows = uow.session.execute(
        select(Entitlement.id, Subscription.id, OrderLine.plan, OrderLine.tax_included)
        .join(Subscription, Subscription.order_line_id == Entitlement.reference)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .where(Entitlement.id.in_(periods))
    )
    return [
        UpcomingCharge(
            at=max(periods[entitlement_id].closes_at, clock.now()),
            subscription_id=subscription_id,
            seller_name=plan["seller_name"],
            title=plan["title"],
            title_en=plan["title_en"],
            amount_minor=untaxed_of(plan).as_charged(periods[entitlement_id].amount_minor),
            currency=periods[entitlement_id].currency,
            is_told=False,
            tax_included=tax_included,
            is_usage=True,
        )
        for entitlement_id, subscription_id, plan, tax_included in rows
    ]


def _charges(
    view: SubscriptionView, subscription: Subscription, entitlement: Entitlement, until: datetime
) -> list[UpcomingCharge]:
    found: list[UpcomingCharge] = []
    starts_at, first, now = subscription.ends_at, True, clock.now()
    before, left = renews_before(subscription.tried_days, subscription.lead_days), subscription.contract_terms_left
    while left != 0 and (at := max(starts_at - before, now)) <= until:
        is_told = first and view.next_gross_minor is not None
        amount = view.next_gross_minor if is_told else view.expected_minor
        currency = view.next_currency if is_told else view.expected_currency
        if amount is not None and currency is not None:
            found.append(
                UpcomingCharge(
                    at=at,
                    subscription_id=view.id,
                    seller_name=view.seller_name,
                    title=view.title,
                    title_en=view.title_en,
                    amount_minor=amount,
                    currency=currency.strip(),
                    is_told=is_told,
                    tax_included=is_told or view.expected_tax_included,
                )
            )
        first, before = False, renews_before(lead_days=subscription.renewal_lead_days)
        left = left - 1 if left is not None else None
        starts_at = add_months(
            starts_at, view.next_months, time_zone=entitlement.time_zone, anchor_day=subscription.anchor_day
        )
    return found
