"""Reads of disputes, and the question whether money stands still because of one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute

from billing.disputes.models import Dispute, DisputePart
from billing.payments.models import PaymentAllocation
from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute as operators and the parties of the payment see it."""

    id: UUID
    payment_id: UUID
    gateway: str
    gateway_reference: str
    amount_minor: int
    currency: str
    reason: str
    state: str
    basis: str
    due_by: datetime
    answer_by: datetime
    submit_at: datetime
    submitted_at: datetime | None
    fee_minor: int
    fee_currency: str | None
    loss_minor: int
    loss_left_minor: int
    created_at: datetime
    ended_at: datetime | None


def disputed_orders() -> Select[UUID]:
    """The orders that an open dispute is about, in whole or with a line, as a query to be used in a larger one."""
    return (
        select(PaymentAllocation.reference)
        .join(Dispute, Dispute.payment_id == PaymentAllocation.payment_id)
        .join(
            DisputePart,
            (DisputePart.dispute_id == Dispute.id) & (DisputePart.reference == PaymentAllocation.reference),
        )
        .where(state_in(Dispute.state, "open"))
    )


def in_dispute(order_id: InstrumentedAttribute[UUID], line_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Whether an open dispute is about the order line that these columns name, as a condition of a larger query."""
    return (
        select(DisputePart.id)
        .join(Dispute, Dispute.id == DisputePart.dispute_id)
        .where(
            state_in(Dispute.state, "open"),
            DisputePart.reference == order_id,
            DisputePart.line_id.is_(None) | (DisputePart.line_id == line_id),
        )
        .exists()
    )


def disputed_lines(uow: UnitOfWork, lines: Collection[tuple[UUID, UUID]]) -> set[UUID]:
    """Which of these order lines (order, line) an open dispute is about."""
    found = (
        select(DisputePart.reference, DisputePart.line_id)
        .join(Dispute, Dispute.id == DisputePart.dispute_id)
        .where(state_in(Dispute.state, "open"), DisputePart.reference.in_({order_id for order_id, _ in lines}))
    )
    parts = {(row[0], row[1]) for row in uow.session.execute(found)}
    return {line_id for order_id, line_id in lines if (order_id, None) in parts or (order_id, line_id) in parts}


def disputed_among(uow: UnitOfWork, order_ids: Collection[UUID]) -> set[UUID]:
    """Which of these orders are in dispute, in whole or with a line."""
    return set(uow.session.scalars(disputed_orders().where(PaymentAllocation.reference.in_(order_ids))))


def is_disputed(uow: UnitOfWork, payment_id: UUID, order_id: UUID | None = None) -> bool:
    """Whether a bank is deciding about this payment, or about what one order had of it."""
    found = select(Dispute.id).where(Dispute.payment_id == payment_id, state_in(Dispute.state, "open"))
    if order_id is not None:
        found = found.join(DisputePart, DisputePart.dispute_id == Dispute.id).where(DisputePart.reference == order_id)
    return uow.session.scalar(select(found.exists())) is True


def has_loss(uow: UnitOfWork, payment_id: UUID) -> bool:
    """Whether the payer got more of this payment back, by a bank's decision, than was left: nothing more of it is sent."""
    left = Dispute.loss_minor - Dispute.borne_minor - Dispute.kept_minor
    found = select(Dispute.id).where(Dispute.payment_id == payment_id, state_in(Dispute.state, "lost"), left > 0)
    return uow.session.scalar(select(found.exists())) is True


def parts_of(uow: UnitOfWork, dispute_id: UUID) -> list[DisputePart]:
    """What a dispute is about, of which the acting organization may see its own; in one order for ever."""
    return list(
        uow.session.scalars(
            select(DisputePart)
            .where(DisputePart.dispute_id == dispute_id)
            .order_by(DisputePart.created_at, DisputePart.id)
        )
    )


def list_disputes(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[DisputeRow]:
    """Everybody's disputes, newest first. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    statement = select(Dispute)
    if state is not None:
        statement = statement.where(Dispute.state == state)
    rows = uow.session.scalars(newest_first(statement, Dispute.created_at, Dispute.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([to_dispute_row(row) for row in page.items], page.next_cursor)


def disputes_of_payment(uow: UnitOfWork, payment_id: UUID) -> list[DisputeRow]:
    """The disputes of a payment that the acting organization made, the first first."""
    rows = uow.session.scalars(
        select(Dispute)
        .where(Dispute.payment_id == payment_id, Dispute.payer_org_id == uow.principal.organization())
        .order_by(Dispute.created_at, Dispute.id)
    )
    return [to_dispute_row(row) for row in rows]


def to_dispute_row(row: Dispute) -> DisputeRow:
    """A stored dispute as a frozen value."""
    return DisputeRow(**{name: getattr(row, name) for name in DisputeRow.__dataclass_fields__})
