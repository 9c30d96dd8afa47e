"""Reads of what was sold, for those who sold it: a line's order and words, and what each video brought."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, distinct, func, select, true
from sqlalchemy.orm import InstrumentedAttribute

from kernel.db.uow import UnitOfWork
from orders.order.models import Attribution, Order, OrderLine

RETAINED = ("active", "completed")


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One sold line in words. `buyer_name` and `seller_name` are those of the agreement."""

    line_id: UUID
    order_id: UUID
    order_number: str
    order_state: str
    buyer_name: str
    seller_name: str
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    quantity: int
    gross_minor: int
    currency: str
    video_id: UUID | None


@dataclass(frozen=True, slots=True)
class VideoSales:
    """What one video brought in one currency: paid orders, those that became active, those that still are."""

    video_id: UUID
    currency: str
    orders: int
    activated: int
    retained: int
    gross_minor: int


def sold_lines(uow: UnitOfWork, line_ids: Collection[UUID]) -> dict[UUID, SoldLine]:
    """Lines that the acting organization sold (any, for the platform), by id; others are left out."""
    rows = uow.session.execute(
        select(OrderLine, Order, Attribution.video_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Attribution, Attribution.order_line_id == OrderLine.id, isouter=True)
        .where(OrderLine.id.in_(list(line_ids)), _sold_by_me(uow, OrderLine.seller_org_id))
    )
    return {
        line.id: SoldLine(
            line_id=line.id,
            order_id=order.id,
            order_number=order.number,
            order_state=order.state,
            buyer_name=order.buyer_name,
            seller_name=order.seller_name,
            title=line.plan["title"],
            title_en=line.plan["title_en"],
            plan_name=line.plan["plan_name"],
            plan_name_en=line.plan["plan_name_en"],
            quantity=line.quantity,
            gross_minor=line.gross_minor,
            currency=line.currency,
            video_id=video_id,
        )
        for line, order, video_id in rows
    }


def sales_of_videos(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, list[VideoSales]]:
    """Paid orders of the acting seller that these videos brought, by video, one entry per currency."""
    rows = uow.session.execute(
        select(
            Attribution.video_id,
            OrderLine.currency,
            func.count(distinct(Order.id)),
            func.count(distinct(Order.id)).filter(Order.active_at.is_not(None)),
            func.count(distinct(Order.id)).filter(Order.state.in_(RETAINED)),
            func.sum(OrderLine.gross_minor),
        )
        .join(OrderLine, OrderLine.id == Attribution.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(
            Attribution.video_id.in_(list(video_ids)),
            _sold_by_me(uow, Attribution.seller_org_id),
            Order.paid_at.is_not(None),
        )
        .group_by(Attribution.video_id, OrderLine.currency)
        .order_by(Attribution.video_id, OrderLine.currency)
    )
    found: dict[UUID, list[VideoSales]] = {}
    for video_id, currency, orders, activated, retained, gross_minor in rows:
        if video_id is not None:
            sales = VideoSales(video_id, currency.strip(), orders, activated, retained, int(gross_minor))
            found.setdefault(video_id, []).append(sales)
    return found


def _sold_by_me(uow: UnitOfWork, column: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    if uow.principal.is_platform:
        return true()
    return column == uow.principal.organization()
