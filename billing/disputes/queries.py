"""Reads of disputes, and the question whether money stands still because of one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select

from billing.disputes.models import Dispute
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
    created_at: datetime
    ended_at: datetime | None


def disputed_orders() -> Select[UUID]:
    """The orders whose payment is in dispute, as a query to be used in a larger one."""
    return (
        select(PaymentAllocation.reference)
        .join(Dispute, Dispute.payment_id == PaymentAllocation.payment_id)
        .where(state_in(Dispute.state, "open"))
    )


def disputed_among(uow: UnitOfWork, order_ids: Collection[UUID]) -> set[UUID]:
    """Which of these orders are in dispute."""
    return set(uow.session.scalars(disputed_orders().where(PaymentAllocation.reference.in_(order_ids))))


def is_disputed(uow: UnitOfWork, payment_id: UUID) -> bool:
    """Whether a bank is deciding about this payment."""
    found = select(Dispute.id).where(Dispute.payment_id == payment_id, state_in(Dispute.state, "open"))
    return uow.session.scalar(select(found.exists())) is True


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
    return Page([_row(row) for row in page.items], page.next_cursor)


def disputes_of_payment(uow: UnitOfWork, payment_id: UUID) -> list[DisputeRow]:
    """The disputes of a payment that the acting organization made, the first first."""
    rows = uow.session.scalars(
        select(Dispute)
        .where(Dispute.payment_id == payment_id, Dispute.payer_org_id == uow.principal.organization())
        .order_by(Dispute.created_at)
    )
    return [_row(row) for row in rows]


def _row(row: Dispute) -> DisputeRow:
    return DisputeRow(**{name: getattr(row, name) for name in DisputeRow.__dataclass_fields__})
