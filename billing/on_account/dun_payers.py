"""Tell buyers of what they owe: once for each step, by notice and mail, and after the due day by a letter as PDF, too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.bank.models import BankTransfer
from billing.credit_lines.models import ON_ACCOUNT
from billing.on_account.draw_letter import draw_letter
from billing.on_account.events import DunningNoticeGiven
from billing.on_account.models import DunningNotice
from billing.on_account.steps import due_step, next_step_at
from billing.payments.models import Payment
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.kinds import sweep
from kernel.jobs.outbox import emit
from kernel.jobs.settle_each import settle_each
from kernel.states import state_in

SWEEP_DUNNING: Final = "billing.on_account.dunning"
BATCH: Final = 100


def register() -> None:
    """Register the sweep."""

    @sweep(SWEEP_DUNNING, every=timedelta(minutes=5))
    def dun(transact: Transact) -> None:
        settle_each(transact, due_notices, give_notice)


def due_notices(uow: UnitOfWork) -> Sequence[UUID]:
    """What is owed and of which its buyer is to be told, the longest due first."""
    return uow.session.scalars(
        select(BankTransfer.id)
        .where(
            state_in(BankTransfer.state, "awaited"),
            state_in(BankTransfer.gateway, ON_ACCOUNT),
            BankTransfer.remind_at <= clock.now(),
        )
        .order_by(BankTransfer.remind_at)
        .limit(BATCH)
    ).all()


def give_notice(uow: UnitOfWork, transfer_id: UUID) -> bool:
    """Take the step that is due, and set when the next one is. Returns False when it is not due any more.

    Emits: DunningNoticeGiven. Locks: the transfer. Idempotent by: transfer and step.
    """
    transfer = lock_row(uow.session, BankTransfer, transfer_id)
    now = clock.now()
    if transfer is None or transfer.state != "awaited" or transfer.remind_at is None or transfer.remind_at > now:
        return False
    days = due_step(transfer.deadline_at, now)
    assert days is not None  # noqa: S101 - `remind_at` is the time of one
    transfer.remind_at = next_step_at(transfer.deadline_at, days)
    notice = DunningNotice(
        id=uuid7(),
        payer_org_id=transfer.payer_org_id,
        transfer_id=transfer.id,
        days=days,
        owed_minor=transfer.missing_minor,
        currency=transfer.currency,
        due_at=transfer.deadline_at,
        files={},
        created_at=now,
    )
    if not uow.add_if_absent(notice, "transfer_id", "days"):
        return False
    if days > 0:
        draw_letter(uow, notice.id)
    payment = uow.session.get_one(Payment, transfer.payment_id)
    emit(
        uow,
        DunningNoticeGiven(
            notice_id=notice.id,
            transfer_id=transfer.id,
            payment_id=payment.id,
            reference=payment.reference,
            payer_org_id=transfer.payer_org_id,
        ),
    )
    return True
