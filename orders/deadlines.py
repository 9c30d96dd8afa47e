"""What waits too long, or for what cannot come any more, and its default."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, union

from billing.payments.models import Payment
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from marketplace.test_clocks.own_time import lives_now
from orders.amendments.amend import CHANGE_LAPSED, lapsed_changes
from orders.checkout.decide_purchase import close_unpaid
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Purchase
from orders.order.accept_services import record_acceptance
from orders.order.events import PurchaseExpired
from orders.order.locking import find_locked_order
from orders.order.models import Order, OrderLine

BATCH_SIZE = 100
UNRESOLVED_PAYMENT_WAITS = timedelta(days=7)
"""How long past its deadline a purchase waits for a payment whose outcome the gateway does not tell."""


def overdue_purchases(uow: UnitOfWork) -> Sequence[UUID]:
    """Purchases whose approval or payment did not come in time, or comes too late for what it is to change; the longest
    overdue first.
    """
    due = select(Purchase.id).where(
        Purchase.state.in_(("pending_approval", "pending_payment")), Purchase.deadline_at <= clock.now()
    )
    return uow.session.scalars(
        select(Purchase.id)
        # Each of the two by its own index; what both say is held against all of it then.
        .where(Purchase.id.in_(union(due, _lapsed())), _overdue(), lives_now(Purchase.buyer_org_id))
        .order_by(Purchase.deadline_at, Purchase.id)
        .limit(BATCH_SIZE)
    ).all()


def expire_purchase(uow: UnitOfWork, purchase_id: UUID) -> bool:
    """Expire an overdue purchase. Returns False when it was decided, or paid again, meanwhile.

    Emits: PurchaseExpired, or ChangeLapsed. Locks: the purchase, then its orders.
    """
    purchase = find_locked_purchase(uow, purchase_id)
    # Asked anew under the lock, with which every payment of a purchase begins.
    asked = select(_is_lapsed().label("lapsed")).where(Purchase.id == purchase_id, _overdue())
    found = uow.session.execute(asked).first()
    if purchase is None or found is None:
        return False
    if found.lapsed:
        close_unpaid(uow, purchase, "expired", reason=CHANGE_LAPSED)
        return True
    close_unpaid(uow, purchase, "expired", reason=f"{purchase.state}_expired")
    emit(uow, PurchaseExpired(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
    return True


def orders_past_acceptance(uow: UnitOfWork) -> Sequence[UUID]:
    """Delivered orders whose buyer has let the time to accept their services pass, the longest silent first."""
    return uow.session.scalars(
        select(Order.id)
        .where(_past_acceptance(), lives_now(Order.buyer_org_id))
        .order_by(Order.deadline_at, Order.id)
        .limit(BATCH_SIZE)
    ).all()


def accept_by_deadline(uow: UnitOfWork, order_id: UUID) -> bool:
    """Take the services of a silent buyer's order as accepted. Returns False when something was said meanwhile.

    Emits: OrderCompleted. Locks: the order.
    """
    order = find_locked_order(uow, order_id)
    # Asked of the row under its lock. Through the session, what follows would not see what is written here.
    if order is None or order.state != "active" or order.deadline_at is None or order.deadline_at > clock.now():
        return False
    record_acceptance(uow, order, reason="accepted_by_clock")
    return True


def _overdue() -> ColumnElement[bool]:
    """A payment under way or in doubt holds its purchase open, but not for ever; a captured one is about to be noticed."""
    # Of a purchase's payments one at most has not failed.
    live = select(Payment.state).where(Payment.reference == Purchase.id, Payment.state != "failed").scalar_subquery()
    return Purchase.state.in_(("pending_approval", "pending_payment")) & or_(
        ((Purchase.deadline_at <= clock.now()) | _is_lapsed()) & live.is_(None),
        (live != "succeeded") & (Purchase.deadline_at <= clock.now() - UNRESOLVED_PAYMENT_WAITS),
    )


def _is_lapsed() -> ColumnElement[bool]:
    return Purchase.id.in_(_lapsed())


def _lapsed() -> Select[UUID]:
    of_changes = select(Order.purchase_id).join(OrderLine, OrderLine.order_id == Order.id)
    return of_changes.where(OrderLine.id.in_(lapsed_changes()))


def _past_acceptance() -> ColumnElement[bool]:
    return (Order.state == "active") & (Order.deadline_at <= clock.now())
