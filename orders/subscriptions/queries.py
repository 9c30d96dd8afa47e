"""Subscriptions as their buyers see them: until when they are paid for, what follows then, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select, true
from sqlalchemy.orm import aliased

from fulfillment.entitlements.models import Entitlement
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.pricing.engine import instalments, price_term
from marketplace.pricing.shapes import is_by_seat
from orders.amendments.models import Amendment
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.coupons.every_term import off_renewal
from orders.order.models import Order, OrderLine, Subscription
from orders.order.untaxed import untaxed_of
from orders.subscriptions.calendar import contract_end
from orders.subscriptions.offered_terms import NextPrice, next_prices
from orders.subscriptions.schedule import renews_before
from orders.trials.models import Trial

Side = Literal["buyer", "seller", "operator"]
"""Who looks at a subscription: whoever pays for it, whoever sold it, the platform."""

_renewal = aliased(Order)
_began = aliased(Order)
_pays = aliased(OrderLine)
_wanted = aliased(Plan)
_now = aliased(Plan)


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """A recurring agreement, paid until `ends_at` (exclusive): `trial` (nothing is paid yet), `active`, `past_due` or `ended`.

    `renews_at`: when its next term will be asked money for; none where it ends. `converts`: of a trial, whether it began with a
    payment method, by which it can be paid for by itself. `next_gross_minor`: what the next term costs, known from the first
    notice on, of a trial from the start. `renewal_order_id`: the order of a next term that waits for its money. `next_quantity`,
    `next_plan_id`: what the next term is to be, where that is something else. `expected_minor`: what it would cost as that plan
    is priced today, tax in it or on top as the plan says; none where the plan is not on sale any more. `seats` 0: it is not
    sold by them. `term_months`: of its latest paid term; `next_months`: of the next ones. `contract_ends_at`: when its
    contract is over, all terms of it paid for; None where that has no end of its own. `gateway`, `payment_method`: what its next
    terms and usage are asked of; the latter is empty where a trial began without one.
    """

    id: UUID
    order_id: UUID
    order_line_id: UUID
    seller_org_id: UUID
    seller_name: str
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    state: str
    plan_id: UUID
    quantity: int
    term_months: int
    next_months: int
    next_quantity: int | None
    next_plan_id: UUID | None
    auto_renew: bool
    ends_at: datetime
    renews_at: datetime | None
    converts: bool
    next_gross_minor: int | None
    next_currency: str | None
    renewal_order_id: UUID | None
    created_at: datetime
    expected_minor: int | None
    expected_currency: str | None
    expected_tax_included: bool
    entitlement_id: UUID
    entitlement_state: str
    listing_id: UUID
    plan_code: str
    sold_by_seat: bool
    seats: int
    seats_used: int
    contract_ends_at: datetime | None
    department_id: UUID | None
    gateway: str
    payment_method: str


def is_side_of(uow: UnitOfWork, side: Side) -> ColumnElement[bool]:
    """Whether a subscription is the acting side's to see. Raises Forbidden `permission_missing` for whoever is no operator."""
    if side == "operator":
        uow.principal.require("operator.read")
        return true()
    column = Subscription.buyer_org_id if side == "buyer" else Subscription.seller_org_id
    return column == uow.principal.organization()


def list_subscriptions(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[SubscriptionView]:
    """The acting organization's subscriptions, newest first."""
    statement = newest_first(own_rows(uow), Subscription.created_at, Subscription.id, cursor, limit)
    return cut(_views(uow, statement), limit, lambda view: (view.created_at, view.id))


def get_subscription(uow: UnitOfWork, subscription_id: UUID) -> SubscriptionView:
    """One of the acting organization's. Raises NotFound."""
    found = _views(uow, own_rows(uow).where(Subscription.id == subscription_id))
    if not found:
        raise NotFound("not_found")
    return found[0]


def subscription_of_line(uow: UnitOfWork, line_id: UUID) -> SubscriptionView | None:
    """The subscription that an order line of the acting organization began."""
    found = _views(uow, own_rows(uow).where(Subscription.order_line_id == line_id))
    return found[0] if found else None


def own_rows(uow: UnitOfWork) -> Select[Any]:
    """What `views_of` takes, of the acting organization's subscriptions."""
    statement: Select[Any] = (
        select(
            Subscription, OrderLine, Plan, _began.seller_name, Quote, _renewal.id, Entitlement, _now, Trial, Purchase
        )  # type: ignore[assignment]  # the rows' type is the callers' Any
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .join(_began, _began.id == OrderLine.order_id)
        .join(Purchase, Purchase.id == _began.purchase_id)
        .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .join(_wanted, _wanted.id == func.coalesce(Subscription.next_plan_id, Subscription.plan_id))
        .join(Listing, Listing.id == _wanted.listing_id)
        .join(
            _now,
            (_now.version_id == Listing.current_version_id) & (_now.code == _wanted.code) & (_now.state == "active"),
            isouter=True,
        )
        .join(Quote, Quote.id == Subscription.renewal_quote_id, isouter=True)
        .join(Trial, Trial.order_line_id == Subscription.order_line_id, isouter=True)
        .join(
            _renewal,
            (_renewal.subscription_id == Subscription.id)
            & _renewal.state.in_(("pending_approval", "pending_payment"))
            & _renewal.usage_period_id.is_(None)
            & _renewal.instalment_id.is_(None)
            # An order of a change waits for its money, too.
            & ~exists().where(_pays.order_id == _renewal.id, Amendment.order_line_id == _pays.id),
            isouter=True,
        )
        .where(Subscription.buyer_org_id == uow.principal.organization())
    )
    return statement


def _views(uow: UnitOfWork, statement: Select[Any]) -> list[SubscriptionView]:
    return [view for view, _ in views_of(uow, statement)]


def views_of(uow: UnitOfWork, statement: Select[Any]) -> list[tuple[SubscriptionView, Any]]:
    """The rows of `own_rows` as they are shown, each beside its row."""
    rows = uow.session.execute(statement).all()
    wanted = [
        (subscription, first, plan_now, subscription.next_quantity or subscription.quantity)
        for subscription, first, *_, plan_now, _, _ in rows
        if plan_now is not None and subscription.state != "ended"
    ]
    following = next_prices(uow, wanted)
    return [(_view(row, following.get(row[0].id)), row) for row in rows]


def _view(row: Any, following: NextPrice | None) -> SubscriptionView:
    subscription: Subscription
    line: OrderLine
    plan: Plan
    entitlement: Entitlement
    quote: Quote | None
    plan_now: Plan | None
    trial: Trial | None
    first: Purchase
    subscription, line, plan, seller_name, quote, renewal_order_id, entitlement, plan_now, trial, first = row
    is_told = quote is not None and subscription.state != "ended"
    renews = subscription.state == "active" and subscription.goes_on and renewal_order_id is None
    expected = _expected_minor(subscription, line, plan_now, following)
    next_months = subscription.term_months if plan_now is None else plan_price(plan_now).term_months
    return SubscriptionView(
        id=subscription.id,
        order_id=line.order_id,
        order_line_id=line.id,
        seller_org_id=subscription.seller_org_id,
        seller_name=seller_name,
        title=line.plan["title"],
        title_en=line.plan["title_en"],
        plan_name=plan.name or plan.name_en,
        plan_name_en=plan.name_en or plan.name,
        state=shown_state(subscription),
        plan_id=subscription.plan_id,
        quantity=subscription.quantity,
        term_months=subscription.term_months,
        next_months=next_months,
        next_quantity=subscription.next_quantity,
        next_plan_id=subscription.next_plan_id,
        auto_renew=subscription.auto_renew,
        ends_at=subscription.ends_at,
        renews_at=subscription.ends_at - renews_before(subscription.tried_days, subscription.lead_days)
        if renews
        else None,
        converts=trial is not None and trial.converts,
        next_gross_minor=quote.gross_minor if is_told and quote else None,
        next_currency=quote.currency if is_told and quote else None,
        renewal_order_id=renewal_order_id,
        created_at=subscription.created_at,
        expected_minor=expected,
        expected_currency=plan_now.currency.strip() if plan_now is not None and expected is not None else None,
        expected_tax_included=plan_now is not None and plan_now.tax_included,
        entitlement_id=entitlement.id,
        entitlement_state=entitlement.state,
        listing_id=entitlement.listing_id,
        plan_code=plan.code,
        sold_by_seat=is_by_seat(plan.pricing, plan.price),
        seats=entitlement.seats,
        seats_used=entitlement.seats_used,
        contract_ends_at=contract_end(subscription, next_months, entitlement.time_zone),
        department_id=subscription.department_id,
        gateway=first.gateway,
        payment_method=first.method_token,
    )


def shown_state(subscription: Subscription) -> str:
    """Its state, or `trial` as long as nothing after a running trial is paid for."""
    return "trial" if subscription.state == "active" and subscription.is_trial else subscription.state


def _expected_minor(
    subscription: Subscription, first: OrderLine, plan_now: Plan | None, following: NextPrice | None
) -> int | None:
    if plan_now is None or following is None:
        return None
    quantity, price = subscription.next_quantity or subscription.quantity, following.price
    try:
        price_minor = price_term(price, quantity, "renewal").amount_minor
    except DomainError:
        # It is not sold in this number any more: what stands in the way is said with the first notice.
        return None
    price_minor -= off_renewal(first, plan_now.code, price_minor, plan_now.currency)
    if plan_now.untaxed_price == "net":
        # As it was when it was bought; who the invoice will name, and so the tax, is decided when the price is told.
        price_minor = replace(untaxed_of(first.plan), reduced=True).as_charged(price_minor)
    # Of a term that is paid in instalments the first is what comes next.
    return instalments(price, price_minor)[0]
