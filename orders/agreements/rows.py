"""An order's rows, for the verbs that work on them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from orders.agreements.models import Order, OrderLine


def lines_of(uow: UnitOfWork, order_id: UUID) -> list[OrderLine]:
    """The lines of an order in the order they were placed."""
    return list(uow.session.scalars(select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.id)))


def locked_orders(uow: UnitOfWork, purchase_id: UUID) -> list[Order]:
    """The orders of a purchase, locked in id order and freshly read."""
    statement = (
        select(Order)
        .where(Order.purchase_id == purchase_id)
        .order_by(Order.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(uow.session.scalars(statement))
