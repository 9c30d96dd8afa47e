"""By what a subscription goes on being paid: the method of the purchase that began it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import or_, select, update

from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from orders.checkout.models import Purchase
from orders.order.events import PaymentMethodChanged
from orders.order.models import Order, OrderLine, Subscription


def store_method(uow: UnitOfWork, subscription_ids: Collection[UUID], gateway: str, method_token: str) -> None:
    """Let what these subscriptions go on costing, and all that was bought with them, be asked of this from now on.

    Emits: PaymentMethodChanged for each that was paid by another. Locks: what its caller has locked.
    """
    of_lines = select(Subscription, Order.purchase_id).join(OrderLine, OrderLine.id == Subscription.order_line_id)
    began = of_lines.join(Order, Order.id == OrderLine.order_id)
    purchase_ids = began.with_only_columns(Order.purchase_id).where(Subscription.id.in_(subscription_ids))
    others = (
        began.join(Purchase, Purchase.id == Order.purchase_id)
        .with_only_columns(Subscription)
        .where(
            Purchase.id.in_(purchase_ids),
            Subscription.state != "ended",
            or_(Purchase.gateway != gateway, Purchase.method_token != method_token),
        )
        .order_by(Subscription.id)
    )
    by = uow.principal.accountable_id
    assert by is not None  # noqa: S101 - nobody else pays for an organization
    for subscription in uow.session.scalars(others).all():
        sides = {"buyer_org_id": subscription.buyer_org_id, "seller_org_id": subscription.seller_org_id}
        emit(
            uow,
            PaymentMethodChanged(
                subscription_id=subscription.id,
                **sides,
                gateway=gateway,
                method_token=method_token,
                changed_by=by,
            ),
        )
    stored = {"gateway": gateway, "method_token": method_token}
    uow.session.execute(update(Purchase).where(Purchase.id.in_(purchase_ids)).values(stored))
