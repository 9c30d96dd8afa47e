"""Whom an order is delivered to, where its buyer is a dealer that ordered it for another organization."""

from __future__ import annotations

from fulfillment.provisioning.open_entitlement import EndCustomerOf
from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from marketplace.end_customers.models import EndCustomer
from orders.order.models import Order


def end_customer_of(uow: UnitOfWork, order: Order) -> EndCustomerOf | None:
    """Whom a locked, paid order is delivered to, and whether that organization agrees still. Locks: its end customer."""
    if order.end_customer_id is None or order.end_customer_org_id is None:
        return None
    (row,) = lock_rows(uow.session, EndCustomer, [order.end_customer_id])
    return EndCustomerOf(row.id, order.end_customer_org_id, agrees=row.state == "active")
