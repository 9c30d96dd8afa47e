"""Whose spending a purchase is, said otherwise after it was bought."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.departments.queries import require_department
from marketplace.parties.lookups import get_party
from orders.approval_rules.find_rule import month_began
from orders.checkout.locking import find_locked_purchase
from orders.order.locking import lock_orders, lock_subscription
from orders.order.models import Order, OrderLine, Subscription


def assign_purchase(uow: UnitOfWork, purchase_id: UUID, department_id: UUID | None) -> None:
    """Count a purchase as another department's spending, and what is charged from now on for what it began.

    An invoice that was issued keeps the code it names.

    Raises: NotFound; Invalid `department_unknown`; Conflict `spend_month_closed`: it was paid in a month that is over in the
    organization's calendar, and what that month's report says stays. Locks: the purchase, its orders. Idempotent.
    """
    purchase = find_locked_purchase(uow, purchase_id)
    if purchase is None or purchase.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if purchase.department_id == department_id:
        return
    if department_id is not None:
        require_department(uow, department_id)
    since = month_began(get_party(uow, purchase.buyer_org_id).time_zone)
    # Locked, so that what they begin at this moment begins with the one or the other.
    if any(one.paid_at is not None and one.paid_at < since for one in lock_orders(uow, purchase_id)):
        raise Conflict("spend_month_closed")
    purchase.department_id = department_id
    began = select(OrderLine.id).join(Order, Order.id == OrderLine.order_id).where(Order.purchase_id == purchase_id)
    uow.session.execute(
        update(Subscription).where(Subscription.order_line_id.in_(began)).values(department_id=department_id)
    )
    _say(uow, "purchase.department_set", purchase.id, department_id)


def assign_subscription(uow: UnitOfWork, subscription_id: UUID, department_id: UUID | None) -> None:
    """Count what is charged for a subscription from now on as another department's spending: renewals, changes, usage.

    Raises: NotFound; Invalid `department_unknown`. Locks: the order that began it, the subscription. Idempotent.
    """
    known = uow.session.get(Subscription, subscription_id)
    if known is None or known.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    subscription = lock_subscription(uow, subscription_id)
    if subscription.department_id == department_id:
        return
    if department_id is not None:
        require_department(uow, department_id)
    subscription.department_id = department_id
    _say(uow, "subscription.department_set", subscription.id, department_id)


def _say(uow: UnitOfWork, action: str, subject_id: UUID, department_id: UUID | None) -> None:
    audit.record(uow, action, subject_id=subject_id, department_id=str(department_id or ""))
    uow.flush()
