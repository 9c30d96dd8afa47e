"""Reads of payments and refunds, and what of them waits for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import aliased

from billing.payments.models import Payment
from billing.payouts.models import Payout
from billing.refunds.models import Refund
from billing.statements.models import Statement
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.models import Inbox


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment as its payer sees it."""

    id: UUID
    reference: UUID
    gateway: str
    amount_minor: int
    currency: str
    state: str
    error_code: str | None
    next_action: Mapping[str, str] | None
    gateway_reference: str | None
    deadline_at: datetime
    captured_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue that a person of the platform watches: how many, and since when the oldest waits."""

    key: str
    count: int
    oldest_at: datetime | None


def get_payment(uow: UnitOfWork, payment_id: UUID) -> PaymentRow:
    """One's own payment. Raises NotFound(`payment_not_found`)."""
    found = uow.session.scalar(_seen_by(uow).where(Payment.id == payment_id))
    if found is None:
        raise NotFound("payment_not_found")
    return _row(found)


def latest_payment(uow: UnitOfWork, reference: UUID) -> PaymentRow | None:
    """The newest payment of a purchase that the acting organization made, if there is one."""
    found = uow.session.scalar(
        _seen_by(uow).where(Payment.reference == reference).order_by(Payment.created_at.desc()).limit(1)
    )
    return _row(found) if found is not None else None


def waiting_for_somebody(uow: UnitOfWork) -> list[Waiting]:
    """The platform's money queues: what is in doubt at a gateway, what failed and was not tried again, what cannot be
    believed.
    """
    uow.principal.require("operator.read")
    again = aliased(Refund)
    queues = {
        "payments_unknown": select(func.count(), func.min(Payment.created_at)).where(Payment.state == "unknown"),
        "refunds_unknown": select(func.count(), func.min(Refund.created_at)).where(Refund.state == "unknown"),
        "refunds_failed": select(func.count(), func.min(Refund.created_at)).where(
            Refund.state == "failed", ~exists().where(again.reference == Refund.reference, again.id > Refund.id)
        ),
        "payouts_unknown": select(func.count(), func.min(Payout.created_at)).where(Payout.state == "unknown"),
        "payouts_failed": select(func.count(), func.min(Payout.created_at))
        .join(Statement, Statement.id == Payout.statement_id)
        .where(Payout.state == "failed", Statement.state == "closed"),
        "notices_quarantined": select(func.count(), func.min(Inbox.received_at)).where(Inbox.state == "quarantined"),
    }
    found = []
    for key, statement in queues.items():
        count, oldest_at = uow.session.execute(statement).one()
        found.append(Waiting(key, count, oldest_at))
    return found


def _seen_by(uow: UnitOfWork) -> Select[Payment]:
    payments = select(Payment)
    if uow.principal.is_platform:
        return payments
    return payments.where(Payment.payer_org_id == uow.principal.organization())


def _row(payment: Payment) -> PaymentRow:
    return PaymentRow(**{name: getattr(payment, name) for name in PaymentRow.__dataclass_fields__})
