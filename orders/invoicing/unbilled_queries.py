"""Reads of what waits for its month's invoice: order by order, and what each invoice will be as things stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from billing.refunds.models import EFFECTIVE, Refund, RefundLine
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from marketplace.catalog.selling_model import RESELLER
from marketplace.parties.models import PLATFORM_ORG_ID, Organization
from orders.checkout.models import Purchase
from orders.invoicing.models import UnbilledOrder
from orders.order.models import Order

INVOICES_SHOWN = 200
"""Of what is to come; who has more has them order by order."""


@dataclass(frozen=True, slots=True)
class UnbilledRow:
    """An order that waits, and what of it is left to be invoiced. Amounts in minor units."""

    id: UUID
    order_id: UUID
    order_number: str
    seller_org_id: UUID
    seller_name: str
    billing_profile_id: UUID
    title: str
    """Whom its invoice will name."""
    month: date
    due_at: datetime
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceToCome:
    """An invoice as it would be if its month ended now."""

    month: date
    due_at: datetime
    seller_org_id: UUID
    """Who will issue it: the seller, or the platform with all that it sold itself."""
    seller_name: str
    billing_profile_id: UUID
    title: str
    currency: str
    orders: int
    net_minor: int
    tax_minor: int
    gross_minor: int


def list_unbilled_orders(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    order_id: UUID | None = None,
    billing_profile_id: UUID | None = None,
) -> Page[UnbilledRow]:
    """The acting buyer's orders that wait for their month's invoice, the latest first; none of which all went back."""
    statement = waiting_orders(UnbilledOrder.buyer_org_id == uow.principal.organization())
    if order_id is not None:
        statement = statement.where(UnbilledOrder.order_id == order_id)
    if billing_profile_id is not None:
        statement = statement.where(UnbilledOrder.billing_profile_id == billing_profile_id)
    rows = uow.session.execute(newest_first(statement, UnbilledOrder.created_at, UnbilledOrder.id, cursor, limit))
    found = [
        UnbilledRow(**{name: plain(getattr(row, name)) for name in UnbilledRow.__dataclass_fields__}) for row in rows
    ]
    return cut(found, limit, lambda row: (row.created_at, row.id))


def invoices_to_come(uow: UnitOfWork) -> list[InvoiceToCome]:
    """What the acting buyer's waiting orders come to, by month, issuer, title and currency: the soonest first."""
    one = waiting_orders(UnbilledOrder.buyer_org_id == uow.principal.organization()).subquery().c
    issuer = one.issuer_org_id.label("seller_org_id")
    same = (one.month, issuer, one.billing_profile_id, one.title, one.tax_id, one.country, one.currency)
    rows = uow.session.execute(
        select(
            *same,
            func.min(one.due_at).label("due_at"),
            func.max(one.issuer_name).label("seller_name"),
            func.count().label("orders"),
            *(func.sum(one[name]).label(name) for name in ("net_minor", "tax_minor", "gross_minor")),
        )
        .group_by(*same)
        .order_by(one.month, func.max(one.issuer_name), *same[1:])
        .limit(INVOICES_SHOWN)
    )
    return [
        InvoiceToCome(**{name: plain(getattr(row, name)) for name in InvoiceToCome.__dataclass_fields__})
        for row in rows
    ]


def waiting_orders(whose: ColumnElement[bool]) -> Select[Any]:
    """Whose orders wait, one a row, with whom and what they would be invoiced for now."""
    title, resold = Purchase.billing_profile, UnbilledOrder.selling_model == RESELLER
    named = select(Organization.legal_name).where(Organization.id == PLATFORM_ORG_ID).scalar_subquery()
    statement: Select[Any] = select(
        *(getattr(UnbilledOrder, name) for name in _OF_ROW),
        Order.number.label("order_number"),
        Order.seller_name,
        Order.buyer_name,
        case((resold, PLATFORM_ORG_ID), else_=UnbilledOrder.seller_org_id).label("issuer_org_id"),
        case((resold, named), else_=Order.seller_name).label("issuer_name"),
        title["legal_name"].astext.label("title"),
        title["tax_id"].astext.label("tax_id"),
        title["country"].astext.label("country"),
        *(_left(name).label(f"{name}_minor") for name in ("net", "tax", "gross")),
    )
    return (
        statement.select_from(UnbilledOrder)
        .join(Order, Order.id == UnbilledOrder.order_id)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .where(
            whose,
            UnbilledOrder.settled_at.is_(None),
            _left("gross") > 0,
        )
    )


_OF_ROW = (
    "id",
    "order_id",
    "seller_org_id",
    "buyer_org_id",
    "billing_profile_id",
    "month",
    "due_at",
    "currency",
    "created_at",
)


def plain(value: Any) -> Any:
    """A sum as the whole number that it is."""
    return int(value) if isinstance(value, Decimal) else value


def _left(name: str) -> ColumnElement[int]:
    """What refunds have left of an order's net, tax or gross."""
    back = (
        select(func.coalesce(func.sum(getattr(RefundLine, f"{name}_minor")), 0))
        .join(Refund, Refund.id == RefundLine.refund_id)
        .where(
            and_(
                Refund.buyer_org_id == Order.buyer_org_id,
                Refund.reference == Order.id,
                Refund.state.in_(EFFECTIVE),
            )
        )
        .correlate(Order)
        .scalar_subquery()
    )
    left: ColumnElement[int] = getattr(Order, f"{name}_minor") - back
    return left
