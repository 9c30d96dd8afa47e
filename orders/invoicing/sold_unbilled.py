"""What of a seller's sales waits for its month's invoice, and which invoices that will be.

The title that an invoice will name is told to whom will issue it. What the platform sold for a seller it invoices itself,
on one document with what it sold of others: of that the seller sees its own orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from orders.invoicing.models import UnbilledOrder
from orders.invoicing.unbilled_queries import INVOICES_SHOWN, plain, waiting_orders


@dataclass(frozen=True, slots=True)
class SoldUnbilledRow:
    """A sale that waits, and what of it is left to be invoiced. Amounts in minor units."""

    id: UUID
    order_id: UUID
    order_number: str
    buyer_org_id: UUID
    buyer_name: str
    issuer_name: str
    """Who will issue its invoice: the seller, or the platform where that sold it."""
    title: str
    """Whom that will name; empty where the platform issues it."""
    month: date
    due_at: datetime
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SoldInvoiceToCome:
    """What of an invoice will be of the seller's sales, if its month ended now."""

    month: date
    due_at: datetime
    buyer_org_id: UUID
    buyer_name: str
    issuer_name: str
    title: str
    currency: str
    orders: int
    net_minor: int
    tax_minor: int
    gross_minor: int


def list_sold_unbilled(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, order_id: UUID | None = None
) -> Page[SoldUnbilledRow]:
    """The acting seller's orders that wait for their month's invoice, the latest first; none of which all went back."""
    statement = waiting_orders(UnbilledOrder.seller_org_id == uow.principal.organization())
    if order_id is not None:
        statement = statement.where(UnbilledOrder.order_id == order_id)
    # The title stands on the purchase, which is its buyer's.
    with reading_as_platform(uow):
        rows = uow.session.execute(
            newest_first(statement, UnbilledOrder.created_at, UnbilledOrder.id, cursor, limit)
        ).all()
    found = [SoldUnbilledRow(**_said(row, SoldUnbilledRow.__dataclass_fields__)) for row in rows]
    return cut(found, limit, lambda row: (row.created_at, row.id))


def sold_invoices_to_come(uow: UnitOfWork) -> list[SoldInvoiceToCome]:
    """What the acting seller's waiting orders come to, by month, buyer, issuer, title and currency: the soonest first."""
    one = waiting_orders(UnbilledOrder.seller_org_id == uow.principal.organization()).subquery().c
    same = (
        one.month,
        one.buyer_org_id,
        one.issuer_org_id,
        one.seller_org_id,
        one.billing_profile_id,
        one.title,
        one.tax_id,
        one.country,
        one.currency,
    )
    statement = (
        select(
            *same,
            func.min(one.due_at).label("due_at"),
            func.max(one.buyer_name).label("buyer_name"),
            func.max(one.issuer_name).label("issuer_name"),
            func.count().label("orders"),
            *(func.sum(one[name]).label(name) for name in ("net_minor", "tax_minor", "gross_minor")),
        )
        .group_by(*same)
        .order_by(one.month, func.max(one.buyer_name), *same[1:])
        .limit(INVOICES_SHOWN)
    )
    with reading_as_platform(uow):
        rows = uow.session.execute(statement).all()
    return [SoldInvoiceToCome(**_said(row, SoldInvoiceToCome.__dataclass_fields__)) for row in rows]


def _said(row: Any, names: Mapping[str, object]) -> dict[str, Any]:
    said = {name: plain(getattr(row, name)) for name in names}
    return said | {"title": row.title if row.issuer_org_id == row.seller_org_id else ""}
