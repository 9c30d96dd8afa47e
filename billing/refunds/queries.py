"""Reads of money given back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.refunds.models import Refund
from kernel.db.uow import UnitOfWork
from kernel.states import state_in


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund as its buyer sees it. `amount_minor` is positive."""

    id: UUID
    reference: UUID
    amount_minor: int
    credit_minor: int
    currency: str
    reason: str
    automatic: bool
    origin: str
    state: str
    error_code: str | None
    created_at: datetime
    ended_at: datetime | None


def refunds_received(uow: UnitOfWork, reference: UUID) -> list[RefundRow]:
    """The refunds of an order that the acting organization bought, the first first."""
    rows = uow.session.scalars(
        select(Refund)
        .where(Refund.buyer_org_id == uow.principal.organization(), Refund.reference == reference)
        .order_by(Refund.created_at, Refund.id)
    )
    return [RefundRow(**{name: getattr(row, name) for name in RefundRow.__dataclass_fields__}) for row in rows]


def awaits_red(uow: UnitOfWork, references: Collection[UUID]) -> bool:
    """Whether a refund of one of these orders waits for a red tax invoice."""
    waits = select(Refund.id).where(Refund.reference.in_(references), state_in(Refund.state, "held")).limit(1)
    return uow.session.scalar(waits) is not None
