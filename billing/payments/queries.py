"""Reads of payments and refunds, and what of them waits for somebody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from billing.payments.models import Payment
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment as its payer sees it."""

    id: UUID
    reference: UUID
    gateway: str
    amount_minor: int
    credit_minor: int
    """Of it what credit with the sellers pays."""
    currency: str
    state: str
    error_code: str | None
    next_action: Mapping[str, str] | None
    gateway_reference: str | None
    deadline_at: datetime
    captured_at: datetime | None
    created_at: datetime


def get_payment(uow: UnitOfWork, payment_id: UUID) -> PaymentRow:
    """One's own payment. Raises NotFound(`payment_not_found`)."""
    found = uow.session.scalar(_visible_to(uow).where(Payment.id == payment_id))
    if found is None:
        raise NotFound("payment_not_found")
    return _row(found)


def latest_payment(uow: UnitOfWork, reference: UUID) -> PaymentRow | None:
    """The newest payment of a purchase that the acting organization made, if there is one."""
    found = uow.session.scalar(
        _visible_to(uow)
        .where(Payment.reference == reference)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
        .limit(1)
    )
    return _row(found) if found is not None else None


def awaiting_payer(uow: UnitOfWork, references: Collection[UUID]) -> set[UUID]:
    """Which of these purchases of the acting organization go on only when the payer does something: its newest payment
    failed, or has to be confirmed.
    """
    newest = (
        _visible_to(uow)
        .with_only_columns(Payment.reference, Payment.state)
        .where(Payment.reference.in_(references))
        .ext(distinct_on(Payment.reference))
        .order_by(Payment.reference, Payment.created_at.desc(), Payment.id.desc())
    )
    return {row.reference for row in uow.session.execute(newest) if row.state in {"failed", "requires_action"}}


def _visible_to(uow: UnitOfWork) -> Select[Payment]:
    payments = select(Payment)
    if uow.principal.is_platform:
        return payments
    return payments.where(Payment.payer_org_id == uow.principal.organization())


def _row(payment: Payment) -> PaymentRow:
    return PaymentRow(**{name: getattr(payment, name) for name in PaymentRow.__dataclass_fields__})
