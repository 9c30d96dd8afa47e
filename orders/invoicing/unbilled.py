"""An order whose billing profile chose one invoice a month waits for it, and whoever asks is told so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, exists, func, select

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from orders.buyer_statements.content import month_bounds
from orders.invoicing.models import UnbilledOrder
from orders.order.models import Order

SETTLES_AFTER: Final = timedelta(hours=1)
"""After a month's end: what was being delivered as it ended is written down by then."""

_KNOWN = Read(select(UnbilledOrder.id).where(UnbilledOrder.order_id == bindparam("order_id")))


@dataclass(frozen=True, slots=True)
class ToBeInvoiced:
    """On which month's invoice an order comes, and from when on that is issued."""

    month: date
    due_at: datetime


def wait_for_month(
    uow: UnitOfWork,
    order: Order,
    billing_profile_id: UUID,
    time_zone: str,
    period: tuple[date, date] | None,
) -> None:
    """Let a locked, delivered order come on its month's invoice; `time_zone` is the buyer's. Idempotent by the order."""
    if uow.find(_KNOWN, order_id=order.id) is not None:
        return
    now = clock.now()
    month = clock.today(time_zone).replace(day=1)
    start_on, end_on = period or (None, None)
    uow.add(
        UnbilledOrder(
            id=uuid7(),
            buyer_org_id=order.buyer_org_id,
            seller_org_id=order.seller_org_id,
            order_id=order.id,
            selling_model=order.selling_model,
            billing_profile_id=billing_profile_id,
            currency=order.currency,
            month=month,
            due_at=month_bounds(month, time_zone)[1] + SETTLES_AFTER,
            period_start_on=start_on,
            period_end_on=end_on,
            settled_at=None,
            reference=None,
            deducted=[],
            created_at=now,
        )
    )


def find_to_be_invoiced(uow: UnitOfWork, order_id: UUID) -> ToBeInvoiced | None:
    """Where an order waits that the acting organization may see; None: it does not wait."""
    row = uow.session.execute(
        select(UnbilledOrder.month, UnbilledOrder.due_at).where(
            UnbilledOrder.order_id == order_id, UnbilledOrder.settled_at.is_(None)
        )
    ).first()
    return ToBeInvoiced(row.month, row.due_at) if row is not None else None


def invoice_reference(order_id: UUID) -> ColumnElement[UUID]:
    """By what the invoice of an order is referenced: by itself, or by the first order of its month's."""
    named = select(UnbilledOrder.reference).where(UnbilledOrder.order_id == order_id).scalar_subquery()
    return func.coalesce(named, order_id)


def waits_or_waited(uow: UnitOfWork, order_id: UUID) -> bool:
    """Whether an order's invoice is, or was, its month's: a refund need not wait for it."""
    return bool(uow.session.scalar(select(exists().where(UnbilledOrder.order_id == order_id))))


def was_deducted(uow: UnitOfWork, order_id: UUID, refund_id: UUID) -> bool:
    """Whether a refund was taken off before the order was invoiced, so that nothing of it is to be credited."""
    found = select(UnbilledOrder.deducted).where(UnbilledOrder.order_id == order_id)
    return refund_id in (uow.session.scalar(found) or ())
