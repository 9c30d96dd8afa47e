"""What a buyer's month consists of, by currency, as plain data: amounts in minor units, instants in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from billing.invoices.models import Invoice
from billing.payments.models import Payment
from billing.refunds.models import EFFECTIVE, Refund
from kernel.db.uow import UnitOfWork
from orders.order.models import Order

SECTIONS: Final = ("orders", "payments", "refunds", "invoices", "open")
VERSION: Final = 1
Row = dict[str, Any]


def month_bounds(month: date, time_zone: str) -> tuple[datetime, datetime]:
    """The first instant of a month and the first after it, where the calendar is kept."""
    zone = ZoneInfo(time_zone)
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return (
        datetime(month.year, month.month, 1, tzinfo=zone),
        datetime(after.year, after.month, 1, tzinfo=zone),
    )


def read_month(uow: UnitOfWork, org_id: UUID, month: date, time_zone: str) -> dict[str, dict[str, list[Row]]]:
    """Every fact of the month by currency and section, each section in order of time."""
    start, end = month_bounds(month, time_zone)
    found: dict[str, dict[str, list[Row]]] = {}
    for section, currency, row in _facts(uow, org_id, start, end):
        of_currency = found.setdefault(currency.strip(), {name: [] for name in SECTIONS})
        of_currency[section].append(row)
    return dict(sorted(found.items()))


def totals(sections: dict[str, list[Row]]) -> dict[str, int]:
    """What each section comes to, in minor units; credit notes count against invoices."""
    return {name: sum(int(row["amount_minor"]) for row in rows) for name, rows in sections.items()}


def _facts(uow: UnitOfWork, org_id: UUID, start: datetime, end: datetime) -> Iterator[tuple[str, str, Row]]:
    def within(column: Any) -> Any:
        return (column >= start) & (column < end)

    order = select(Order).where(Order.buyer_org_id == org_id)
    for one in uow.session.scalars(order.where(within(Order.created_at)).order_by(Order.created_at, Order.id)):
        yield "orders", one.currency, _row(one.id, one.number, one.created_at, one.gross_minor, one.seller_name)
    paid = select(Payment).where(Payment.payer_org_id == org_id, within(Payment.captured_at))
    for pay in uow.session.scalars(paid.order_by(Payment.captured_at, Payment.id)):
        at = pay.captured_at or pay.created_at
        reference = pay.gateway_reference or str(pay.id)
        yield "payments", pay.currency, _row(pay.id, reference, at, pay.amount_minor, pay.gateway)
    back = (
        select(Refund, Order.number, Order.seller_name)
        .join(Order, Order.id == Refund.reference)
        .where(Refund.buyer_org_id == org_id, Refund.state.in_(EFFECTIVE), within(Refund.ended_at))
    )
    for refund, number, seller in uow.session.execute(back.order_by(Refund.ended_at, Refund.id)):
        at = refund.ended_at or refund.created_at
        yield "refunds", refund.currency, _row(refund.id, number, at, refund.amount_minor, seller)
    papers = select(Invoice).where(
        Invoice.buyer_org_id == org_id, Invoice.kind != "commission_invoice", within(Invoice.issued_at)
    )
    for paper in uow.session.scalars(papers.order_by(Invoice.issued_at, Invoice.id)):
        sign = -1 if paper.kind == "credit_note" else 1
        at, name = paper.issued_at or paper.created_at, str(paper.seller["legal_name"])
        yield "invoices", paper.currency, _row(paper.id, paper.number or "", at, sign * paper.gross_minor, name)
    unpaid = order.where(
        Order.created_at < end,
        Order.gross_minor > 0,
        or_(Order.paid_at >= end, Order.paid_at.is_(None) & Order.state.in_(("pending_approval", "pending_payment"))),
    )
    for one in uow.session.scalars(unpaid.order_by(Order.created_at, Order.id)):
        yield "open", one.currency, _row(one.id, one.number, one.created_at, one.gross_minor, one.seller_name)


def _row(row_id: UUID, number: str, at: datetime, amount_minor: int, party: str) -> Row:
    return {
        "id": str(row_id),
        "number": number,
        "at": at.astimezone(UTC).isoformat(),
        "amount_minor": amount_minor,
        "party": party,
    }
