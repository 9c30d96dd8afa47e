"""Usage that was not paid is asked for again, as a renewal is: then what is in use is suspended, and ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from billing.payments.queries import latest_payment
from fulfillment.entitlements.models import Entitlement
from fulfillment.provisioning.suspend_entitlement import resume_entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from marketplace.test_clocks.own_time import lives_now
from orders.checkout.decide_purchase import close_unpaid
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Purchase
from orders.checkout.request_payment import request_payment, retry_payment
from orders.fulfillment.start_fulfillment import charge_lines
from orders.order.events import OrderActivated
from orders.order.locking import lock_orders
from orders.order.models import ORDER, Order, Subscription
from orders.subscriptions.past_due import lock_renewal, suspend, terminate, usage_is_overdue
from orders.subscriptions.renew import lock_subscription
from orders.subscriptions.schedule import RENEWS_BEFORE, steps_past_due
from orders.usage.events import UsageUnpaid

AT_ONCE = 200
LOOKED_AT_AGAIN = timedelta(hours=1)
"""After a payment in doubt has kept it from being ended."""


def next_try_at(placed_at: datetime, *, after: datetime) -> datetime | None:
    """The first step later than `after` of usage that was asked for at `placed_at`: it is due as long after as a renewal is."""
    return next((step.at for step in steps_past_due(placed_at + RENEWS_BEFORE) if step.at > after), None)


def due_tries(uow: UnitOfWork) -> Sequence[UUID]:
    """Purchases of usage with a step that is due, the longest due first."""
    return uow.session.scalars(
        select(Purchase.id)
        .where(
            Purchase.next_try_at.is_not(None),
            Purchase.next_try_at <= clock.now(),
            lives_now(Purchase.buyer_org_id),
        )
        .order_by(Purchase.next_try_at)
        .limit(AT_ONCE)
    ).all()


def take_usage_step(uow: UnitOfWork, purchase_id: UUID) -> bool:
    """Take what is due of usage that is not paid: of several steps that were missed, the last one. Returns False when none is.

    The method is asked again only where the try before has failed for certain.

    Locks: the purchase, its order; to end it, as `renew.take_step`. Emits: UsageUnpaid. Idempotent by `next_try_at`.
    """
    purchase = find_locked_purchase(uow, purchase_id)
    now = clock.now()
    if purchase is None or purchase.next_try_at is None or purchase.next_try_at > now:
        return False
    (order,) = lock_orders(uow, purchase_id)
    if purchase.state not in ("pending_payment", "expired"):
        purchase.next_try_at = None
        return True
    step = [step for step in steps_past_due(purchase.created_at + RENEWS_BEFORE) if step.at <= now][-1]
    is_first = purchase.next_try_at == next_try_at(purchase.created_at, after=purchase.created_at)
    purchase.next_try_at = next_try_at(purchase.created_at, after=now)
    before = latest_payment(uow, purchase_id)
    has_failed = before is None or before.state == "failed"
    if step.kind == "terminate" or purchase.state == "expired":
        _end(uow, purchase, order, has_failed=has_failed)
        return True
    if has_failed:
        (request_payment if before is None else retry_payment)(uow, purchase, [order])
        if is_first:
            emit(uow, UsageUnpaid(order_id=order.id, subscription_id=_subscription_id(order), **_sides(order)))
    if step.kind == "suspend":
        subscription = uow.session.get_one(Subscription, _subscription_id(order))
        suspend(uow, subscription, _entitlement(uow, order).id, reason="usage_unpaid")
    return True


def settle_usage(uow: UnitOfWork, order: Order) -> None:
    """A locked order of usage is paid: charged, and what was suspended for it goes on.

    Locks: what is in use. Emits: OrderActivated. Idempotent by the order's state.
    """
    if order.state != "paid":
        return
    ORDER.move(uow, order, "fulfilling", org_ids=order.parties)
    charge_lines(uow, order)
    ORDER.move(uow, order, "active", org_ids=order.parties)
    order.active_at = clock.now()
    emit(uow, OrderActivated(order_id=order.id, **_sides(order)))
    if uow.session.get_one(Subscription, _subscription_id(order)).state == "ended":
        ORDER.move(uow, order, "completed", org_ids=order.parties, reason="term_over")
    suspended_id = uow.session.scalar(
        select(Entitlement.id)
        .join(Subscription, Subscription.order_line_id == Entitlement.reference)
        .where(
            Subscription.id == order.subscription_id, Subscription.state == "active", Entitlement.state == "suspended"
        )
    )
    if suspended_id is not None and not usage_is_overdue(uow, _subscription_id(order), besides=order.id):
        resume_entitlement(uow, suspended_id, reason="usage_paid")


def _end(uow: UnitOfWork, purchase: Purchase, order: Order, *, has_failed: bool) -> None:
    """Nobody pays: the subscription ends, unless money may still be on its way."""
    subscription_id = _subscription_id(order)
    renewal = lock_renewal(uow, subscription_id)
    found = lock_subscription(uow, subscription_id)
    assert found is not None  # noqa: S101 - the order names it
    subscription, _, began = found
    tried = latest_payment(uow, renewal.id) if renewal is not None else None
    if not has_failed or (tried is not None and tried.state != "failed"):
        purchase.next_try_at = clock.now() + LOOKED_AT_AGAIN
        return
    purchase.next_try_at = None
    if purchase.state == "pending_payment":
        close_unpaid(uow, purchase, "expired", reason="usage_unpaid")
    if subscription.state != "ended":
        terminate(uow, subscription, began, renewal, _entitlement(uow, order), reason="usage_unpaid")


def _entitlement(uow: UnitOfWork, order: Order) -> Entitlement:
    return uow.session.scalars(
        select(Entitlement)
        .join(Subscription, Subscription.order_line_id == Entitlement.reference)
        .where(Subscription.id == order.subscription_id)
    ).one()


def _subscription_id(order: Order) -> UUID:
    assert order.subscription_id is not None  # noqa: S101 - an order of usage names it
    return order.subscription_id


def _sides(order: Order) -> dict[str, UUID]:
    return {"buyer_org_id": order.buyer_org_id, "seller_org_id": order.seller_org_id}
