"""What waits too long, and its default."""

from __future__ import annotations

from sqlalchemy import exists, select

from billing.payments.models import Payment
from kernel import clock
from kernel.db.uow import UnitOfWork
from orders.agreements.complete_order import ACCEPTED_AFTER
from orders.agreements.events import PurchaseExpired
from orders.agreements.models import Order, OrderLine
from orders.purchases.decide_purchase import close_unpaid
from orders.purchases.models import Purchase

BATCH = 100


def sweep_purchases(uow: UnitOfWork) -> int:
    """Expire purchases whose approval or payment did not come. One with a payment in flight or in doubt keeps waiting."""
    in_flight = exists().where(Payment.reference == Purchase.id, Payment.state != "failed")
    overdue = uow.session.scalars(
        select(Purchase)
        .where(
            Purchase.state.in_(("pending_approval", "pending_payment")),
            Purchase.deadline_at <= clock.now(),
            ~in_flight,
        )
        .order_by(Purchase.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    count = 0
    for purchase in overdue.all():
        close_unpaid(uow, purchase, "expired", reason=f"{purchase.state}_expired")
        uow.emit(PurchaseExpired(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
        count += 1
    return count


def sweep_acceptance(uow: UnitOfWork) -> list[Order]:
    """Delivered orders with one-off services whose buyer said nothing for seven days, locked."""
    one_off = exists().where(OrderLine.order_id == Order.id, OrderLine.term_months == 0)
    return list(
        uow.session.scalars(
            select(Order)
            .where(
                Order.state == "active",
                Order.accepted_at.is_(None),
                Order.active_at <= clock.now() - ACCEPTED_AFTER,
                one_off,
            )
            .order_by(Order.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )
