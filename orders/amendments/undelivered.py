"""A change that was paid for and that the seller's system does not make: delivered or refunded."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
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
from orders.order.models import ORDER, OrderLine, Subscription


def undelivered_orders(uow: UnitOfWork, order_line_id: UUID) -> Sequence[UUID]:
    """The orders of changes to what a line began, none of which the seller's system was told or will be.

    Every `change` run tells what there is by then: one that was begun after a change and succeeded delivered it, whichever
    run the change itself had begun.
    """
    return uow.session.scalars(
        select(OrderLine.order_id)
        .join(Amendment, Amendment.order_line_id == OrderLine.id)
        .join(Subscription, Subscription.id == Amendment.subscription_id)
        .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
        .where(
            Subscription.order_line_id == order_line_id,
            Amendment.state == "applied",
            _has_run("failed", "dead"),
            ~_has_run("succeeded", *LIVE),
        )
        .order_by(Amendment.applied_at, OrderLine.order_id)
    ).all()


def is_untold_change(order_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Whether an order is a change that has runs, none of which has succeeded."""
    return exists().where(
        Amendment.order_line_id == OrderLine.id,
        OrderLine.order_id == order_id,
        Subscription.id == Amendment.subscription_id,
        Entitlement.reference == Subscription.order_line_id,
        _has_run("failed", "dead", *LIVE),
        ~_has_run("succeeded"),
    )


def take_back_undelivered(uow: UnitOfWork, order_id: UUID, *, reason: str) -> None:
    """Take the change of an order back and let its money go, unless somebody has its run tried again meanwhile.

    Emits: OrderDeliveryFailed, SubscriptionAmended. Locks: the order, the one that began the subscription, the subscription, its
    entitlement. Idempotent by the order's state.
    """
    order = find_locked_order(uow, order_id)
    amendment = find_amendment(uow, order) if order is not None else None
    if order is None or amendment is None or order.state != "active":
        return
    subscription = lock_subscription(uow, amendment.subscription_id)
    if order.id not in undelivered_orders(uow, subscription.order_line_id):
        return
    take_back_amendment(uow, order, amendment, reason="delivery_failed")
    ORDER.move(uow, order, "delivery_failed", org_ids=order.parties, reason=reason)
    order.failure = reason
    emit(
        uow,
        OrderDeliveryFailed(
            order_id=order.id, buyer_org_id=order.buyer_org_id, seller_org_id=order.seller_org_id, reason=reason
        ),
    )


def _has_run(*states: str) -> ColumnElement[bool]:
    return exists().where(
        Run.buyer_org_id == Amendment.buyer_org_id,
        Run.entitlement_id == Entitlement.id,
        Run.operation == "change",
        Run.created_at >= Amendment.applied_at,
        state_in(Run.state, *states),
    )
