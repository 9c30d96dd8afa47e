"""A purchase's rows, locked, for the verbs that work on them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, select

from kernel.db.locks import lock_aggregate
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.test_clocks.own_time import enter_time_of
from orders.checkout.models import Purchase
from orders.order.models import Order

_PAID = Read(
    select(Purchase, Order)
    .join(Order, Order.purchase_id == Purchase.id)
    .where(Purchase.id == bindparam("purchase_id"))
    .order_by(Order.id)
    .with_for_update(of=(Purchase, Order), key_share=True)
)


_LOCKED_PURCHASE = Read(select(Purchase).where(Purchase.id == bindparam("purchase_id")).with_for_update(key_share=True))


def ask_purchase_and_orders(uow: UnitOfWork, purchase_id: UUID) -> None:
    """Ask ahead for `lock_purchase_and_orders`."""
    uow.ask_ahead(_PAID, purchase_id=purchase_id)


def lock_purchase_and_orders(uow: UnitOfWork, purchase_id: UUID) -> tuple[Purchase, list[Order]]:
    """A purchase and its orders, locked; the caller holds the purchase's aggregate lock. Raises LookupError."""
    rows = uow.fetch(_PAID, purchase_id=purchase_id)
    if not rows:
        raise LookupError(str(purchase_id))
    enter_time_of(uow, rows[0].Purchase.buyer_org_id)
    return rows[0].Purchase, [row.Order for row in rows]


def find_locked_purchase(uow: UnitOfWork, purchase_id: UUID) -> Purchase | None:
    """A purchase, locked. Locks: the purchase, as an aggregate and as a row."""
    lock_aggregate(uow, purchase_id)
    found: Purchase | None = uow.find(_LOCKED_PURCHASE, purchase_id=purchase_id)
    if found is not None:
        enter_time_of(uow, found.buyer_org_id)
    return found
