"""What the three sides read of cases: the buyer of its own, the seller of those about its sales, the operator of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, tuple_

from billing.disputes.queries import disputed_among
from billing.payments.models import PaymentAllocation
from billing.refunds.models import Refund
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, bounded, cut, decode, newest_first
from kernel.states import state_in
from orders.order.models import Order, OrderLine
from orders.refunds.models import RefundCase, RefundEvidence


@dataclass(frozen=True, slots=True)
class RefundEvidenceView:
    """A document that a side shows."""

    id: UUID
    side: str
    file_name: str
    media_type: str
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefundCaseView:
    """A case with what both sides said and show. `left_minor`: what of the order has not gone back yet.

    `title`: of the first of the `lines` that the order has.
    """

    id: UUID
    order_id: UUID
    order_number: str
    title: str
    title_en: str
    lines: int
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    currency: str
    state: str
    asked_minor: int
    left_minor: int
    reason: str
    deadline_at: datetime | None
    answer: str
    answered_at: datetime | None
    appeal: str
    escalated_at: datetime | None
    decision: str
    decided_at: datetime | None
    granted_minor: int | None
    refund_id: UUID | None
    is_disputed: bool
    """A bank decides about the payment: nothing is granted, and no time runs."""
    is_owed: bool
    """The gateway refused to send what was granted, and is asked again every day."""
    created_at: datetime
    ended_at: datetime | None
    evidence: tuple[RefundEvidenceView, ...]


def get_refund_case(uow: UnitOfWork, case_id: UUID, *, side: str | None) -> RefundCaseView:
    """One of the acting organization as `buyer` or `seller`; for operators (None) anybody's.

    Raises: NotFound `refund_case_not_found`; Forbidden `permission_missing` of an operator without operator.read.
    """
    found = _views(uow, _of(uow, side), RefundCase.id == case_id)
    if not found:
        raise NotFound("refund_case_not_found")
    return found[0]


def cases_of_order(uow: UnitOfWork, order_id: UUID, *, side: str) -> Sequence[RefundCaseView]:
    """All about an order of the acting organization's, the latest first."""
    return _views(uow, _of(uow, side), RefundCase.order_id == order_id)


def list_refund_cases(
    uow: UnitOfWork, *, side: str, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[RefundCaseView]:
    """Those of which the acting organization is the `buyer` or the `seller`, newest first."""
    statement = select(RefundCase).where(_of(uow, side))
    if state is not None:
        statement = statement.where(RefundCase.state == state)
    rows = uow.session.scalars(newest_first(statement, RefundCase.created_at, RefundCase.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return _shown(uow, page)


def list_escalated(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[RefundCaseView]:
    """What waits for the operator, the longest first. Raises: Forbidden `permission_missing` without operator.read."""
    statement = select(RefundCase).where(_of(uow, None), state_in(RefundCase.state, "escalated"))
    keys = RefundCase.escalated_at, RefundCase.id
    if cursor:
        statement = statement.where(tuple_(*keys) > tuple_(*decode(cursor)))
    rows = uow.session.scalars(statement.order_by(*keys).limit(bounded(limit) + 1)).all()
    return _shown(uow, cut(rows, limit, lambda row: (row.escalated_at or row.created_at, row.id)))


def count_escalated(uow: UnitOfWork) -> tuple[int, datetime | None]:
    """How many wait for the operator, and since when the oldest. Raises: Forbidden `permission_missing` without operator.read."""
    waiting = select(func.count(), func.min(RefundCase.escalated_at))
    count, oldest_at = uow.session.execute(waiting.where(_of(uow, None), state_in(RefundCase.state, "escalated"))).one()
    return count, oldest_at


def _shown(uow: UnitOfWork, page: Page[RefundCase]) -> Page[RefundCaseView]:
    views = {one.id: one for one in _views(uow, RefundCase.id.in_([row.id for row in page.items]))}
    return Page([views[row.id] for row in page.items], page.next_cursor)


def _of(uow: UnitOfWork, side: str | None) -> ColumnElement[bool]:
    if side is None:
        uow.principal.require("operator.read")
        return RefundCase.id.is_not(None)
    column = RefundCase.buyer_org_id if side == "buyer" else RefundCase.seller_org_id
    return column == uow.principal.organization()


def _views(uow: UnitOfWork, *which: ColumnElement[bool]) -> list[RefundCaseView]:
    of_order = select(OrderLine.plan).where(OrderLine.order_id == Order.id).order_by(OrderLine.id)
    rows = uow.session.execute(
        select(
            RefundCase,
            Order,
            PaymentAllocation.amount_minor - PaymentAllocation.reserved_minor,
            of_order.limit(1).scalar_subquery(),
            select(func.count()).where(OrderLine.order_id == Order.id).scalar_subquery(),
            exists().where(Refund.id == RefundCase.refund_id, state_in(Refund.state, "failed")),
        )
        .join(Order, Order.id == RefundCase.order_id)
        .join(
            PaymentAllocation,
            (PaymentAllocation.reference == Order.id) & (PaymentAllocation.payment_id == Order.payment_id),
        )
        .where(*which)
        .order_by(RefundCase.created_at.desc(), RefundCase.id.desc())
    ).all()
    if not rows:
        return []
    shown: dict[UUID, list[RefundEvidenceView]] = {}
    of_these = RefundEvidence.case_id.in_([row[0].id for row in rows])
    for one in uow.session.scalars(select(RefundEvidence).where(of_these).order_by(RefundEvidence.id)):
        view = RefundEvidenceView(**{name: getattr(one, name) for name in RefundEvidenceView.__dataclass_fields__})
        shown.setdefault(one.case_id, []).append(view)
    disputed = disputed_among(uow, [row[1].id for row in rows])
    of_case = [name for name in RefundCaseView.__dataclass_fields__ if hasattr(RefundCase, name)]
    return [
        RefundCaseView(
            **{name: getattr(case, name) for name in of_case},
            order_number=order.number,
            title=bought["title"],
            title_en=bought["title_en"],
            lines=lines,
            buyer_name=order.buyer_name,
            seller_name=order.seller_name,
            left_minor=left_minor,
            is_disputed=order.id in disputed,
            is_owed=is_owed and left_minor > 0,
            evidence=tuple(shown.get(case.id, ())),
        )
        for case, order, left_minor, bought, lines, is_owed in rows
    ]
