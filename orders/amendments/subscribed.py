"""A subscription as it is now: its term, what that costs, and what it gives, locked for a change."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, true

from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.catalog.models import Plan
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.shapes import simple_price
from orders.amendments.amendment_price import Agreed, off
from orders.amendments.models import Amendment
from orders.order.instalments import whole_minor
from orders.order.locking import find_locked_order
from orders.order.models import OWED, Order, OrderLine, Subscription, SubscriptionTerm


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A locked subscription, the order that began it, its running term, what it gives. `agreed`: what a term of it costs."""

    subscription: Subscription
    began: Order
    term: SubscriptionTerm
    entitlement: Entitlement
    agreed: Agreed


def lock_subscribed(uow: UnitOfWork, subscription_id: UUID, *, besides: UUID | None = None) -> Subscribed:
    """Lock a subscription of the acting organization (any, for the platform) that can be changed within its term.

    `besides`: an order of it that is being placed to change it.

    Raises: NotFound; Conflict `subscription_ended`, `subscription_past_due`, `subscription_in_trial` (nothing of it is
    paid for yet), `renewal_in_progress` (the next term is being paid for, or is paid for already: from its beginning on it can
    be changed).
    Locks: the order that began it, the subscription, its entitlement.
    """
    began_id = uow.session.scalar(
        select(OrderLine.order_id)
        .join(Subscription, Subscription.order_line_id == OrderLine.id)
        .where(Subscription.id == subscription_id)
    )
    began = find_locked_order(uow, began_id) if began_id is not None else None
    mine = began is not None and (uow.principal.is_platform or began.buyer_org_id == uow.principal.organization())
    if began is None or not mine:
        raise NotFound("not_found")
    subscription, entitlement = uow.session.execute(
        select(Subscription, Entitlement)
        .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
        .where(Subscription.id == subscription_id)
        .with_for_update(of=(Subscription, Entitlement))
    ).one()
    now = clock.now()
    if subscription.state == "past_due":
        raise Conflict("subscription_past_due")
    if subscription.state == "ended" or subscription.ends_at <= now:
        raise Conflict("subscription_ended")
    if subscription.is_trial:
        raise Conflict("subscription_in_trial")
    row = uow.session.execute(
        select(SubscriptionTerm, OrderLine, Plan)
        .join(OrderLine, OrderLine.id == SubscriptionTerm.order_line_id)
        .join(Plan, Plan.id == OrderLine.plan_id)
        .where(
            SubscriptionTerm.subscription_id == subscription_id,
            SubscriptionTerm.ends_at == subscription.ends_at,
            SubscriptionTerm.revoked_at.is_(None),
        )
    ).first()
    if row is None or row.SubscriptionTerm.starts_at > now or _is_being_renewed(uow, subscription, besides):
        raise Conflict("renewal_in_progress")
    return Subscribed(
        subscription, began, row.SubscriptionTerm, entitlement, _agreed(subscription, row.OrderLine, row.Plan)
    )


def _is_being_renewed(uow: UnitOfWork, subscription: Subscription, besides: UUID | None) -> bool:
    """Whether an order for its next term, which is no amendment and not owed for what is given already, waits for money."""
    statement = (
        select(Order.id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Amendment, Amendment.order_line_id == OrderLine.id, isouter=True)
        .where(
            Order.subscription_id == subscription.id,
            Order.state.in_(("pending_payment", "paid", "fulfilling")),
            ~OWED,
            Amendment.id.is_(None),
            Order.id != besides if besides is not None else true(),
        )
    )
    return uow.session.scalar(statement.limit(1)) is not None


def _agreed(subscription: Subscription, line: OrderLine, plan: Plan) -> Agreed:
    if subscription.term_price is not None:
        return Agreed(PlanPrice.model_validate(subscription.term_price), subscription.quantity)
    return Agreed(
        line_price(line, plan), subscription.quantity, off(whole_minor(line, "discount"), whole_minor(line, "list"))
    )


def line_price(line: OrderLine, plan: Plan) -> PlanPrice:
    """The price that was frozen onto a line. `plan`: the line's own, which says in what numbers it is sold."""
    if line.price is not None:
        return PlanPrice.model_validate(line.price)
    return simple_price(
        line.pricing,
        line.interval,
        line.currency,
        line.unit_price_minor,
        min(plan.min_seats, line.quantity),
        plan.max_seats,
    )
