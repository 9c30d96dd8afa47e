"""Tell payers again of transfers that have not come, before their time is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.bank.events import TransferReminded
from billing.bank.gateway import next_reminder
from billing.bank.models import BANK_TRANSFER, BankTransfer
from billing.payments.models import Payment
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.outbox import emit
from kernel.jobs.settle_each import settle_each
from kernel.states import state_in

SWEEP_REMINDERS: Final = "billing.bank_transfer.reminders"
BATCH: Final = 100


def register() -> None:
    """Register the sweep."""

    @sweep(SWEEP_REMINDERS, every=timedelta(minutes=5))
    def remind(transact: Transact) -> None:
        settle_each(transact, due_reminders, remind_payer)


def due_reminders(uow: UnitOfWork) -> Sequence[UUID]:
    """Awaited transfers whose payer is to be told again, the longest due first."""
    return uow.session.scalars(
        select(BankTransfer.id)
        .where(
            state_in(BankTransfer.state, "awaited"),
            BankTransfer.gateway == BANK_TRANSFER,
            BankTransfer.remind_at <= clock.now(),
        )
        .order_by(BankTransfer.remind_at)
        .limit(BATCH)
    ).all()


def remind_payer(uow: UnitOfWork, transfer_id: UUID) -> bool:
    """Remind of one. Returns False when it came, or was reminded of, meanwhile. Emits: TransferReminded. Locks: it."""
    transfer = lock_row(uow.session, BankTransfer, transfer_id)
    now = clock.now()
    if transfer is None or transfer.state != "awaited" or transfer.remind_at is None or transfer.remind_at > now:
        return False
    transfer.remind_at = next_reminder(transfer.deadline_at, now)
    payment = uow.session.get_one(Payment, transfer.payment_id)
    emit(
        uow,
        TransferReminded(
            transfer_id=transfer.id,
            payment_id=payment.id,
            reference=payment.reference,
            payer_org_id=transfer.payer_org_id,
            remark_code=transfer.remark_code,
        ),
    )
    return True
