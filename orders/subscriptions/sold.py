"""Subscriptions as their seller and the platform see them: whose they are, until when, and whether they go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.catalog.models import Plan
from orders.order.models import Order, OrderLine, Subscription, SubscriptionTerm
from orders.subscriptions.calendar import contract_end
from orders.subscriptions.queries import Side, is_side_of, shown_state

_began = aliased(Order)
_paid = aliased(OrderLine)


@dataclass(frozen=True, slots=True)
class SoldSubscription:
    """A recurring agreement with a customer, paid until `ends_at` (exclusive).

    `net_minor`: what its latest term was sold for, before tax, changes within the term not counted. `seats` 0: not sold by them.
    """

    id: UUID
    order_id: UUID
    buyer_org_id: UUID
    buyer_name: str
    seller_name: str
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    state: str
    quantity: int
    next_quantity: int | None
    auto_renew: bool
    ends_at: datetime
    entitlement_state: str
    seats: int
    seats_used: int
    net_minor: int
    currency: str
    created_at: datetime
    contract_ends_at: datetime | None


def list_sold_subscriptions(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    state: str | None = None,
    due_days: int | None = None,
    customer_id: UUID | None = None,
) -> Page[SoldSubscription]:
    """The acting seller's, newest first; `due_days`: only those whose paid term ends within so many days."""
    statement = _sold(uow, "seller")
    if state is not None:
        statement = statement.where(Subscription.state == state)
    if due_days is not None:
        statement = statement.where(
            state_in(Subscription.state, "active", "past_due"),
            Subscription.ends_at < clock.now() + timedelta(days=due_days),
        )
    if customer_id is not None:
        statement = statement.where(Subscription.buyer_org_id == customer_id)
    statement = newest_first(statement, Subscription.created_at, Subscription.id, cursor, limit)
    found = [_view(*row) for row in uow.session.execute(statement)]
    return cut(found, limit, lambda one: (one.created_at, one.id))


def get_sold_subscription(uow: UnitOfWork, subscription_id: UUID, side: Side = "seller") -> SoldSubscription:
    """One of the acting seller's; any for the platform. Raises NotFound; Forbidden as `is_side_of`."""
    row = uow.session.execute(_sold(uow, side).where(Subscription.id == subscription_id)).first()
    if row is None:
        raise NotFound("not_found")
    return _view(*row)


def _sold(uow: UnitOfWork, side: Side) -> Select[Any]:
    latest = (
        select(SubscriptionTerm.order_line_id)
        .where(SubscriptionTerm.subscription_id == Subscription.id)
        .order_by(SubscriptionTerm.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement: Select[Any] = (
        select(Subscription, OrderLine, _began, Plan, Entitlement, _paid)  # type: ignore[assignment]  # the rows' type is the callers' Any
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .join(_began, _began.id == OrderLine.order_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
        .join(_paid, _paid.id == latest)
        .where(is_side_of(uow, side))
    )
    return statement


def _view(
    subscription: Subscription, line: OrderLine, began: Order, plan: Plan, entitlement: Entitlement, paid: OrderLine
) -> SoldSubscription:
    return SoldSubscription(
        id=subscription.id,
        order_id=line.order_id,
        buyer_org_id=subscription.buyer_org_id,
        buyer_name=began.buyer_name,
        seller_name=began.seller_name,
        title=line.plan["title"],
        title_en=line.plan["title_en"],
        plan_name=plan.name or plan.name_en,
        plan_name_en=plan.name_en or plan.name,
        state=shown_state(subscription),
        quantity=subscription.quantity,
        next_quantity=subscription.next_quantity,
        auto_renew=subscription.auto_renew,
        ends_at=subscription.ends_at,
        entitlement_state=entitlement.state,
        seats=entitlement.seats,
        seats_used=entitlement.seats_used,
        net_minor=paid.net_minor,
        currency=paid.currency.strip(),
        created_at=subscription.created_at,
        contract_ends_at=contract_end(subscription, subscription.term_months, entitlement.time_zone),
    )
