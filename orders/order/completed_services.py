"""Services that were delivered and accepted, or given back: nothing of them is left to use."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing
from orders.order.models import Order, OrderLine


def completed_services(uow: UnitOfWork, line_ids: Collection[UUID]) -> set[UUID]:
    """Which of these lines of the acting organization are of services, bought once, whose order is complete."""
    found = (
        select(OrderLine.id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Listing, Listing.id == OrderLine.listing_id)
        .where(
            OrderLine.id.in_(line_ids),
            Order.buyer_org_id == uow.principal.organization(),
            Order.state == "completed",
            OrderLine.term_months == 0,
            Listing.kind == "service",
        )
    )
    return set(uow.session.scalars(found)) if line_ids else set()
