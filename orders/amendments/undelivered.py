"""What was paid for within a subscription and that the seller's system does not make: delivered or refunded.

A change, and a term that begins with more seats or another plan than the one before gave. A term that goes on as it was needs
nothing of the seller's system: `check` says until when; nor does one with fewer seats, whose buyer has no less than was paid for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, exists, select
from sqlalchemy.orm import InstrumentedAttribute

from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import LIVE, Run
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from kernel.states import state_in
from orders.amendments.amend import find_amendment, take_back_amendment
from orders.amendments.models import Amendment
from orders.order.events import OrderDeliveryFailed
from orders.order.locking import find_locked_order, lock_subscription
from orders.order.models import ORDER, OrderLine, Subscription, SubscriptionTerm


def _has_run(since: InstrumentedAttribute[datetime | None], *states: str) -> ColumnElement[bool]:
    return exists().where(
        Run.buyer_org_id == Entitlement.buyer_org_id,
        Run.entitlement_id == Entitlement.id,
        Run.operation == "change",
        Run.created_at >= since,
        state_in(Run.state, *states),
    )


_CHANGES = (
    select(OrderLine.order_id)
    .join(Amendment, Amendment.order_line_id == OrderLine.id)
    .join(Subscription, Subscription.id == Amendment.subscription_id)
    .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
    .where(
        Subscription.order_line_id == bindparam("order_line_id"),
        Amendment.state == "applied",
        _has_run(Amendment.applied_at, "failed", "dead"),
        ~_has_run(Amendment.applied_at, "succeeded", *LIVE),
    )
    .order_by(Amendment.applied_at, OrderLine.order_id)
)
_TERMS = (
    select(OrderLine.order_id)
    .join(SubscriptionTerm, SubscriptionTerm.order_line_id == OrderLine.id)
    .join(Subscription, Subscription.id == SubscriptionTerm.subscription_id)
    .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
    .where(
        Subscription.order_line_id == bindparam("order_line_id"),
        SubscriptionTerm.revoked_at.is_(None),
        SubscriptionTerm.ends_at == Subscription.ends_at,
        _has_run(SubscriptionTerm.told_at, "failed", "dead"),
        ~_has_run(SubscriptionTerm.told_at, "succeeded", *LIVE),
    )
)


def undelivered_orders(uow: UnitOfWork, order_line_id: UUID) -> Sequence[UUID]:
    """The orders of changes to what a line began, and of its terms, that the seller's system was not told of and will not be.

    Every `change` run tells what there is by then: one that was begun after a change and succeeded delivered it, whichever
    run the change itself had begun.
    """
    line = {"order_line_id": order_line_id}
    return (*uow.session.scalars(_CHANGES, line), *uow.session.scalars(_TERMS, line))


def is_untold_change(order_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Whether an order is a change, or a term, that has runs, none of which has succeeded."""
    change = exists().where(
        Amendment.order_line_id == OrderLine.id,
        OrderLine.order_id == order_id,
        Subscription.id == Amendment.subscription_id,
        Entitlement.reference == Subscription.order_line_id,
        _has_run(Amendment.applied_at, "failed", "dead", *LIVE),
        ~_has_run(Amendment.applied_at, "succeeded"),
    )
    term = exists().where(
        SubscriptionTerm.order_line_id == OrderLine.id,
        OrderLine.order_id == order_id,
        Subscription.id == SubscriptionTerm.subscription_id,
        Entitlement.reference == Subscription.order_line_id,
        _has_run(SubscriptionTerm.told_at, "failed", "dead", *LIVE),
        ~_has_run(SubscriptionTerm.told_at, "succeeded"),
    )
    return change | term


def take_back_undelivered(uow: UnitOfWork, order_id: UUID, *, reason: str) -> None:
    """Take the change of an order back and let its money go, unless somebody has its run tried again meanwhile; of a term
    its money, with which the subscription ends (`orders.subscriptions.next_term.take_back_term`).

    Emits: OrderDeliveryFailed, SubscriptionAmended. Locks: the order, the one that began the subscription, the subscription, its
    entitlement. Idempotent by the order's state.
    """
    order = find_locked_order(uow, order_id)
    if order is None or order.subscription_id is None or order.state != "active":
        return
    subscription = lock_subscription(uow, order.subscription_id)
    if order.id not in undelivered_orders(uow, subscription.order_line_id):
        return
    amendment = find_amendment(uow, order)
    if amendment is not None:
        take_back_amendment(uow, order, amendment, reason="delivery_failed")
    ORDER.move(uow, order, "delivery_failed", org_ids=order.parties, reason=reason)
    order.failure = reason
    emit(
        uow,
        OrderDeliveryFailed(
            order_id=order.id, buyer_org_id=order.buyer_org_id, seller_org_id=order.seller_org_id, reason=reason
        ),
    )
