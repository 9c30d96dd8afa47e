"""The order lines by which the plans of subscriptions were agreed: bought, renewed, or changed to."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import any_, bindparam, select, union_all
from sqlalchemy.types import ARRAY, Uuid

from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from orders.amendments.models import Amendment
from orders.order.models import OrderLine, SubscriptionTerm

_ids = any_(bindparam("subscription_ids", type_=ARRAY(Uuid)))
_agreed = union_all(
    select(SubscriptionTerm.subscription_id, SubscriptionTerm.order_line_id).where(
        SubscriptionTerm.subscription_id == _ids, SubscriptionTerm.revoked_at.is_(None)
    ),
    select(Amendment.subscription_id, Amendment.order_line_id).where(
        Amendment.subscription_id == _ids, state_in(Amendment.state, "applied"), Amendment.price.is_not(None)
    ),
).subquery()
_LINES = (
    select(_agreed.c.subscription_id, OrderLine)
    .join(OrderLine, OrderLine.id == _agreed.c.order_line_id)
    .order_by(OrderLine.created_at, OrderLine.id)
)
"""Of their terms, and of changes of plan in force, the oldest first. More seats are at the price that was agreed before."""


def agreed_lines(uow: UnitOfWork, subscription_ids: Collection[UUID]) -> dict[tuple[UUID, str], OrderLine]:
    """The latest of each subscription for each plan, by the subscription and the plan's code."""
    if not subscription_ids:
        return {}
    rows = uow.session.execute(_LINES, {"subscription_ids": list(subscription_ids)})
    return {(subscription_id, line.plan["plan_code"]): line for subscription_id, line in rows}
