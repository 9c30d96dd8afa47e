"""What recurs and does not go on by itself, for the platform: by age, the oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import aliased

from billing.payments.models import Payment, PaymentAllocation
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import Run
from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from orders.amendments.models import Amendment
from orders.checkout.models import Purchase
from orders.order.models import Order, OrderLine, Subscription

Stuck = Literal["past_due", "usage_unpaid", "instalment_unpaid", "amendment_pending", "payment_unknown", "run_dead"]
STUCK: tuple[Stuck, ...] = (
    "past_due",
    "usage_unpaid",
    "instalment_unpaid",
    "amendment_pending",
    "payment_unknown",
    "run_dead",
)
"""A term that nobody has paid for; usage, or an instalment, that nobody has; a change that waits for its money; a payment of
any of them whose outcome is not known; a seller's system that did not take a change, a suspension or an end.
"""
MOST = 100

_began = aliased(Order)


@dataclass(frozen=True, slots=True)
class StuckSubscription:
    """One that waits for somebody, and since when. `detail`: the operation of a run, the state of anything else."""

    stuck: str
    subscription_id: UUID
    since_at: datetime
    buyer_name: str
    seller_name: str
    title: str
    title_en: str
    detail: str


@dataclass(frozen=True, slots=True)
class StuckCount:
    """How many are stuck in one way, and since when the oldest is."""

    stuck: str
    count: int
    oldest_at: datetime


def list_stuck(uow: UnitOfWork, stuck: Stuck | None = None) -> list[StuckSubscription]:
    """The oldest hundred, of one kind or of all. Raises Forbidden `permission_missing`."""
    found = _found(uow, STUCK if stuck is None else (stuck,)).subquery()
    rows = uow.session.execute(
        select(found, _began.buyer_name, _began.seller_name, OrderLine.plan)
        .join(Subscription, Subscription.id == found.c.subscription_id)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .join(_began, _began.id == OrderLine.order_id)
        .order_by(found.c.since_at, found.c.subscription_id, found.c.stuck)
        .limit(MOST)
    )
    return [
        StuckSubscription(
            row.stuck,
            row.subscription_id,
            row.since_at,
            row.buyer_name,
            row.seller_name,
            row.plan["title"],
            row.plan["title_en"],
            row.detail,
        )
        for row in rows
    ]


def count_stuck(uow: UnitOfWork) -> dict[str, StuckCount]:
    """Of each kind that there is. Raises Forbidden `permission_missing`."""
    found = _found(uow, STUCK).subquery()
    rows = uow.session.execute(
        select(found.c.stuck, func.count(), func.min(found.c.since_at)).group_by(found.c.stuck).order_by(found.c.stuck)
    )
    return {row[0]: StuckCount(*row) for row in rows}


def _found(uow: UnitOfWork, kinds: tuple[Stuck, ...]) -> Any:
    uow.principal.require("operator.read")
    return union_all(*(_SELECTS[kind] for kind in kinds))


def _row(kind: Stuck, subscription_id: Any, since_at: Any, detail: Any) -> Select[Any]:
    return select(
        literal(kind).label("stuck"),
        subscription_id.label("subscription_id"),
        since_at.label("since_at"),
        detail.label("detail"),
    )


_SELECTS: dict[Stuck, Select[Any]] = {
    "past_due": _row("past_due", Subscription.id, Subscription.ends_at, Subscription.state).where(
        state_in(Subscription.state, "past_due")
    ),
    "usage_unpaid": _row("usage_unpaid", Order.subscription_id, Order.created_at, Order.state)
    .join(Purchase, Purchase.id == Order.purchase_id)
    .where(
        Purchase.next_try_at.is_not(None), state_in(Order.state, "pending_payment"), Order.usage_period_id.is_not(None)
    ),
    "instalment_unpaid": _row("instalment_unpaid", Order.subscription_id, Order.created_at, Order.state)
    .join(Purchase, Purchase.id == Order.purchase_id)
    .where(
        Purchase.next_try_at.is_not(None), state_in(Order.state, "pending_payment"), Order.instalment_id.is_not(None)
    ),
    "amendment_pending": _row(
        "amendment_pending", Amendment.subscription_id, Amendment.created_at, Amendment.state
    ).where(state_in(Amendment.state, "pending")),
    "payment_unknown": _row("payment_unknown", Order.subscription_id, Payment.created_at, Payment.state)
    .join(PaymentAllocation, PaymentAllocation.payment_id == Payment.id)
    .join(Order, Order.id == PaymentAllocation.reference)
    .where(state_in(Payment.state, "unknown"), Order.subscription_id.is_not(None)),
    "run_dead": _row("run_dead", Subscription.id, Run.created_at, Run.operation)
    .join(Entitlement, Entitlement.id == Run.entitlement_id)
    .join(Subscription, Subscription.order_line_id == Entitlement.reference)
    .where(state_in(Run.state, "dead"), Run.operation != "provision"),
}
