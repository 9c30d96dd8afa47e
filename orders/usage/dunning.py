"""Usage, or an instalment, that was not paid is asked for again, as a renewal is: then what is in use is suspended, and ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from billing.payments.queries import latest_payment
from fulfillment.entitlements.models import Entitlement
from fulfillment.provisioning.suspend_entitlement import resume_entitlement
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from marketplace.test_clocks.own_time import lives_now
from orders.checkout.decide_purchase import close_unpaid
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Purchase
from orders.checkout.request_payment import request_payment, retry_payment
from orders.fulfillment.start_fulfillment import charge_lines
from orders.order.events import OrderActivated
from orders.order.instalments import INSTALMENT, Instalment
from orders.order.locking import lock_orders
from orders.order.models import ORDER, Order, Subscription
from orders.subscriptions.past_due import lock_renewal, owed_is_overdue, suspend, terminate
from orders.subscriptions.renew import lock_subscription
from orders.subscriptions.schedule import RENEWS_BEFORE, steps_past_due
from orders.usage.events import InstalmentUnpaid, UsageUnpaid

AT_ONCE = 200
LOOKED_AT_AGAIN = timedelta(hours=1)
"""After a payment in doubt has kept it from being ended."""


def next_try_at(placed_at: datetime, *, after: datetime) -> datetime | None:
    """The first step later than `after` of what was asked for at `placed_at`: it is due as long after as a renewal is."""
    return next((step.at for step in steps_past_due(placed_at + RENEWS_BEFORE) if step.at > after), None)


def due_tries(uow: UnitOfWork) -> Sequence[UUID]:
    """Purchases of usage and instalments with a step that is due, the longest due first."""
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


def take_owed_step(uow: UnitOfWork, purchase_id: UUID) -> bool:
    """Take what is due of what is owed and not paid: of several steps that were missed, the last one. Returns False when none is.

    The method is asked again only where the try before has failed for certain.

    Locks: the purchase, its order; to end it, as `renew.take_step`. Emits: UsageUnpaid, InstalmentUnpaid. Idempotent by
    `next_try_at`.
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
    if _is_cancelled(uow, order):
        _close(uow, purchase, has_failed=has_failed)
        return True
    if step.kind == "terminate" or purchase.state == "expired":
        _end(uow, purchase, order, has_failed=has_failed)
        return True
    if has_failed:
        (request_payment if before is None else retry_payment)(uow, purchase, [order])
        if is_first:
            unpaid = UsageUnpaid if order.instalment_id is None else InstalmentUnpaid
            emit(uow, unpaid(order_id=order.id, subscription_id=_subscription_id(order), **_sides(order)))
    if step.kind == "suspend":
        subscription = uow.session.get_one(Subscription, _subscription_id(order))
        suspend(uow, subscription, _entitlement(uow, order).id, reason=_reason(order))
    return True


def settle_owed(uow: UnitOfWork, order: Order) -> bool:
    """A locked order of usage or of an instalment is paid: charged, and what was suspended for it goes on.

    Returns False where its instalment was cancelled meanwhile: the money has to go back.

    Locks: the instalment, what is in use. Emits: OrderActivated. Idempotent by the order's state.
    """
    if order.state != "paid":
        return True
    if order.instalment_id is not None:
        instalment = lock_row(uow.session, Instalment, order.instalment_id)
        assert instalment is not None  # noqa: S101 - the order names it
        if instalment.state == "cancelled":
            return False
        INSTALMENT.move(uow, instalment, "paid", org_ids=order.parties)
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
    if suspended_id is not None and not owed_is_overdue(uow, _subscription_id(order), besides=order.id):
        resume_entitlement(uow, suspended_id, reason=_reason(order, "paid"))
    return True


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
        close_unpaid(uow, purchase, "expired", reason=_reason(order))
    if subscription.state != "ended":
        terminate(uow, subscription, began, renewal, _entitlement(uow, order), reason=_reason(order))


def close_cancelled(uow: UnitOfWork, purchase_id: UUID) -> None:
    """The instalment that a locked purchase asks money for was cancelled: it is closed, unless money may be on its way.

    Locks: the purchase, its order. Idempotent by the state.
    """
    purchase = find_locked_purchase(uow, purchase_id)
    if purchase is not None and purchase.state == "pending_payment":
        before = latest_payment(uow, purchase_id)
        _close(uow, purchase, has_failed=before is None or before.state == "failed")


def _close(uow: UnitOfWork, purchase: Purchase, *, has_failed: bool) -> None:
    purchase.next_try_at = None if has_failed else clock.now() + LOOKED_AT_AGAIN
    if has_failed and purchase.state == "pending_payment":
        close_unpaid(uow, purchase, "cancelled", reason="instalment_cancelled")


def _is_cancelled(uow: UnitOfWork, order: Order) -> bool:
    if order.instalment_id is None:
        return False
    return uow.session.get_one(Instalment, order.instalment_id).state == "cancelled"


def _reason(order: Order, what: Literal["paid", "unpaid"] = "unpaid") -> str:
    return f"usage_{what}" if order.instalment_id is None else f"instalment_{what}"


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
