"""The month's invoice (月度合并开票): all that was delivered and paid in it, less what went back, on one document.

When an invoice is issued changes no book: charges, shares and the ledger follow payment and delivery (ADR 0059).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, any_, bindparam, case, exists, func, select

from billing.bank.sandbox_bank import was_played
from billing.documents.lines import TaxCategory
from billing.documents.model import LINES_MAX
from billing.invoices.consolidated import NOTHING, RefundedBefore, refunded_before
from billing.invoices.issue_invoice import IssueInvoice, LineToInvoice, issue_invoice
from kernel import clock
from kernel.db.locks import lock_aggregate, lock_aggregates
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.settle_each import settle_each
from marketplace.catalog.selling_model import AGENCY, RESELLER
from marketplace.departments.models import Department
from marketplace.parties.models import PLATFORM_ORG_ID, BillingProfile, Organization
from marketplace.test_clocks.own_time import enter_time_of, lives_now
from orders.checkout.models import Purchase
from orders.invoicing.invoice_order import invoice_line, invoiced_party, seller_party
from orders.invoicing.models import UnbilledOrder
from orders.order.models import Order, OrderLine

_ISSUER = case((UnbilledOrder.selling_model == RESELLER, PLATFORM_ORG_ID), else_=UnbilledOrder.seller_org_id)


def _issued_by(org_id: UUID) -> ColumnElement[bool]:
    if org_id == PLATFORM_ORG_ID:
        return UnbilledOrder.selling_model == RESELLER
    return (UnbilledOrder.seller_org_id == org_id) & (UnbilledOrder.selling_model == AGENCY)


SWEEP_MONTHS = "orders.unbilled_orders.sweep"
MONTHS_AT_ONCE: Final = 200
"""Invoices that one sweep issues; the rest comes a minute later."""
_played = was_played(Purchase.gateway, Order.buyer_org_id, Order.payment_id)
_WAS_PLAYED = (
    select(_played)
    .select_from(Order)
    .join(Purchase, Purchase.id == Order.purchase_id)
    .where(Order.id == bindparam("order_id"))
)


@dataclass(frozen=True, slots=True)
class MonthToInvoice:
    """What one invoice is of, unless its orders name several titles or are too many for one document."""

    billing_profile_id: UUID
    issuer_org_id: UUID
    """The seller, or the platform, with all that it sold itself, of whichever sellers."""
    currency: str
    month: date


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An order that waits, with what it is read for."""

    row: UnbilledOrder
    order: Order
    purchase: Purchase
    cost_centre: str
    lines: Sequence[OrderLine]


@sweep(SWEEP_MONTHS, every=timedelta(minutes=1))
def sweep_months(transact: Transact) -> None:
    """Months that are over are invoiced."""
    settle_each(transact, due_months, invoice_month)


def due_months(uow: UnitOfWork) -> Sequence[MonthToInvoice]:
    """Months of which something waits that is due, the longest over first."""
    key = (
        UnbilledOrder.billing_profile_id,
        _ISSUER,
        UnbilledOrder.currency,
        UnbilledOrder.month,
    )
    found = uow.session.execute(
        select(*key)
        .where(
            UnbilledOrder.settled_at.is_(None),
            UnbilledOrder.due_at <= clock.now(),
            lives_now(UnbilledOrder.buyer_org_id),
        )
        .group_by(*key)
        .order_by(func.min(UnbilledOrder.due_at), *key)
        .limit(MONTHS_AT_ONCE)
    )
    return [MonthToInvoice(*row) for row in found]


def invoice_month(uow: UnitOfWork, wanted: MonthToInvoice) -> UUID | None:
    """Issue one invoice of what waits of a month, with as many orders as it has room for. What is left is due still.

    An order of which everything went back is settled without one. Returns the invoice's id, None where there is none.

    Emits: InvoiceIssued with the number; later, from a job: InvoiceRendered.
    Locks: the billing profile as an aggregate, so that two runs follow each other; then the orders by id, so that a refund
    of one of them comes before or after as a whole.
    Idempotent by: the order that waits. It is on one invoice, by whose first order that is referenced, once.
    """
    lock_aggregate(uow, wanted.billing_profile_id)
    order_ids = _chosen(uow, wanted)
    if not order_ids:
        return None
    lock_aggregates(uow, order_ids)
    waiting = _read(uow, order_ids)
    if not waiting:
        return None
    enter_time_of(uow, waiting[0].row.buyer_org_id)
    refunded = refunded_before(uow, order_ids)
    left = {one.row.id: _lines(one, refunded) for one in waiting}
    charged = [one for one in waiting if left[one.row.id]]
    now = clock.now()
    for one in waiting:
        one.row.settled_at = now
        one.row.deducted = sorted(refunded.refunds_of.get(one.order.id, ()))
        one.row.reference = charged[0].row.id if left[one.row.id] else None
    if not charged:
        return None
    return issue_invoice(uow, _document(uow, wanted, charged, [line for one in charged for line in left[one.row.id]]))


def _chosen(uow: UnitOfWork, wanted: MonthToInvoice) -> list[UUID]:
    """The first orders that wait, to one title, of one gateway's kind, as many as a document has lines for.

    What is outside the scope of VAT has a document of its own (EN 16931 BR-O-11), as it has among orders.
    """
    title = Purchase.billing_profile
    untaxed = exists().where(OrderLine.order_id == Order.id, OrderLine.tax_category == TaxCategory.OUT_OF_SCOPE.value)
    lines = select(func.count()).where(OrderLine.order_id == Order.id).scalar_subquery()
    rows = uow.session.execute(
        select(
            Order.id,
            lines.label("lines"),
            *(title[name].astext for name in ("legal_name", "tax_id", "country")),
            _played,
            untaxed,
        )
        .select_from(UnbilledOrder)
        .join(Order, Order.id == UnbilledOrder.order_id)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .where(
            UnbilledOrder.billing_profile_id == wanted.billing_profile_id,
            _issued_by(wanted.issuer_org_id),
            UnbilledOrder.currency == wanted.currency,
            UnbilledOrder.month == wanted.month,
            UnbilledOrder.settled_at.is_(None),
            UnbilledOrder.due_at <= clock.now(),
        )
        .order_by(UnbilledOrder.created_at, UnbilledOrder.id)
        .limit(LINES_MAX)
    ).all()
    alike = [row for row in rows if row[2:] == rows[0][2:]]
    return fitting([(row.id, row.lines) for row in alike])


def fitting(orders: Iterable[tuple[UUID, int]], most: int = LINES_MAX) -> list[UUID]:
    """The first of these orders whose lines, given beside each, fit on one document; one alone is never left out."""
    chosen: list[UUID] = []
    room = most
    for order_id, lines in orders:
        room -= lines
        if room < 0 and chosen:
            break
        chosen.append(order_id)
    return chosen


def _read(uow: UnitOfWork, order_ids: Sequence[UUID]) -> list[WaitingOrder]:
    lines: dict[UUID, list[OrderLine]] = {}
    is_wanted = any_(list(order_ids))  # type: ignore[arg-type]  # an array of its own, whatever its length
    for line in uow.session.scalars(select(OrderLine).where(OrderLine.order_id == is_wanted).order_by(OrderLine.id)):
        lines.setdefault(line.order_id, []).append(line)
    rows = uow.session.execute(
        select(UnbilledOrder, Order, Purchase, Department.code)
        .join(Order, Order.id == UnbilledOrder.order_id)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .join(
            Department,
            (Department.org_id == Purchase.buyer_org_id) & (Department.id == Purchase.department_id),
            isouter=True,
        )
        .where(UnbilledOrder.order_id == is_wanted, UnbilledOrder.settled_at.is_(None))
        .order_by(UnbilledOrder.created_at, UnbilledOrder.id)
    )
    return [WaitingOrder(row, order, bought, code or "", lines[order.id]) for row, order, bought, code in rows]


def _lines(one: WaitingOrder, refunded: RefundedBefore) -> list[LineToInvoice]:
    """What is left of an order's lines, each saying whose it is; none where nothing that cost something is left."""
    details = _details(one.order.po_number or "", one.cost_centre)
    period = None
    if one.row.period_start_on is not None and one.row.period_end_on is not None:
        period = (one.row.period_start_on, one.row.period_end_on)
    found = [
        replace(part, order_id=one.order.id, order_number=one.order.number, order_details=details, period=period)
        for line in one.lines
        if (part := _left(line, refunded)) is not None
    ]
    return found if any(line.gross_minor for line in found) else []


def _left(line: OrderLine, refunded: RefundedBefore) -> LineToInvoice | None:
    """A line less what went back of it, then as one lump; None: all of it did."""
    whole, back = invoice_line(line), refunded.of_line.get(line.id, NOTHING)
    if not back.gross_minor:
        return whole
    if back.gross_minor == whole.gross_minor:
        return None
    return replace(
        whole,
        quantity=Decimal(1),
        unit="",
        unit_code="C62",
        net_minor=whole.net_minor - back.net_minor,
        tax_minor=whole.tax_minor - back.tax_minor,
        gross_minor=whole.gross_minor - back.gross_minor,
    )


def _details(po_number: str, cost_centre: str) -> str:
    said = (("PO", po_number), ("成本中心 Cost centre", cost_centre))
    return " · ".join(f"{word} {text}" for word, text in said if text)


def _document(
    uow: UnitOfWork, wanted: MonthToInvoice, orders: Sequence[WaitingOrder], lines: Sequence[LineToInvoice]
) -> IssueInvoice:
    first, last = orders[0], orders[-1]
    seller, profile = uow.session.execute(
        select(Organization, BillingProfile)
        .join(BillingProfile, (BillingProfile.org_id == Organization.id) & BillingProfile.is_default, isouter=True)
        .where(Organization.id == wanted.issuer_org_id)
    ).one()
    return IssueInvoice(
        reference=first.row.id,
        buyer_org_id=first.row.buyer_org_id,
        seller_org_id=wanted.issuer_org_id,
        # They name one party; where it has moved meanwhile, the last of them knows its address.
        buyer=invoiced_party(last.purchase),
        seller=seller_party(seller, profile),
        currency=wanted.currency,
        lines=lines,
        order_number="",
        paid_minor=sum(line.gross_minor for line in lines),
        po_number=_common(one.order.po_number or "" for one in orders),
        cost_centre=_common(one.cost_centre for one in orders),
        remarks=f"{wanted.month:%Y-%m} 月度合并开票，共 {len(orders)} 笔订单 "
        f"Consolidated invoice of {wanted.month:%Y-%m}, orders: {len(orders)}",
        sandbox=uow.session.scalars(_WAS_PLAYED, {"order_id": first.order.id}).one(),
        issuer_time_zone=seller.time_zone,
        month=wanted.month,
    )


def _common(texts: Iterable[str]) -> str:
    """What all of them say; nothing where they differ."""
    found = set(texts)
    return found.pop() if len(found) == 1 else ""


def reference_of_orders(uow: UnitOfWork, order_ids: Sequence[UUID]) -> Mapping[UUID, list[UUID]]:
    """By what the consolidated invoices of these orders are referenced, and which of the orders are on each."""
    rows: Any = uow.session.execute(
        select(UnbilledOrder.reference, UnbilledOrder.order_id).where(
            UnbilledOrder.order_id.in_(order_ids), UnbilledOrder.reference.is_not(None)
        )
    )
    found: dict[UUID, list[UUID]] = {}
    for reference, order_id in rows:
        found.setdefault(reference, []).append(order_id)
    return found
