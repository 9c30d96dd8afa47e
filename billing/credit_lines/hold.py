"""What payments on account take of a buyer's line, and what comes free again: every change of what it owes.

The line's row lock decides: of purchases at once each sees what the ones before it hold.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.credit_lines.models import CREDIT_HOLD, CreditHold, CreditLine
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.money import Money


def hold_credit(uow: UnitOfWork, org_id: UUID, payment_id: UUID, amount: Money, *, binding: bool) -> None:
    """Hold a payment's amount of its payer's line, in the transaction that begins the payment.

    What cannot be held is refused at once where it is `binding`; else nothing is held, and the gateway refuses the payment.

    Raises: Conflict `credit_line_missing`, `credit_line_closed`, `credit_line_overdue`, `credit_limit_exceeded`.
    Locks: the line.
    """
    line = lock_line(uow, org_id, amount.currency)
    refused = refusal_of(line, amount.amount_minor)
    if line is None or refused is not None:
        if binding:
            raise Conflict(refused or "credit_line_missing")
        return
    line.hold(amount.amount_minor)
    hold = CreditHold(
        id=uuid7(),
        org_id=org_id,
        line_id=line.id,
        payment_id=payment_id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        term_days=line.term_days,
        created_at=clock.now(),
    )
    CREDIT_HOLD.begin(uow, hold, org_ids=[org_id])
    uow.add(hold)


def refusal_of(line: CreditLine | None, amount_minor: int) -> str | None:
    """Why that amount cannot go on account now; None: it can."""
    return "credit_line_missing" if line is None else line.refusal(amount_minor, clock.now())


def draw_credit(uow: UnitOfWork, payment_id: UUID) -> None:
    """A payment on account has succeeded: what it held is owed now. Locks: the line, then the hold. Idempotent by its state."""
    line, hold = _locked(uow, payment_id)
    if line is None or hold is None or not CREDIT_HOLD.move(uow, hold, "drawn", org_ids=[hold.org_id]):
        return
    line.draw(hold.amount_minor)
    uow.flush()


def release_credit_hold(uow: UnitOfWork, payment_id: UUID) -> None:
    """A payment on account has failed: what it held may be used by another. Locks and is idempotent as `draw_credit`."""
    line, hold = _locked(uow, payment_id)
    if line is None or hold is None or not CREDIT_HOLD.move(uow, hold, "released", org_ids=[hold.org_id]):
        return
    line.release(hold.amount_minor)
    uow.flush()


def note_due(line: CreditLine, due_at: datetime) -> None:
    """A purchase is owed by then, on a locked line."""
    line.first_due_at = due_at if line.first_due_at is None else min(line.first_due_at, due_at)


def repay(uow: UnitOfWork, org_id: UUID, currency: str, amount_minor: int, next_due_at: datetime | None) -> None:
    """So much is owed no longer: it was paid, written off, or taken back. `next_due_at`: when the first of the rest is due.

    Locks: the line; its caller holds what was owed.
    """
    line = lock_line(uow, org_id, currency)
    assert line is not None  # noqa: S101 - lines stay
    line.repay(amount_minor)
    line.first_due_at = next_due_at
    uow.flush()


def lock_line(uow: UnitOfWork, org_id: UUID, currency: str) -> CreditLine | None:
    """An organization's line in a currency, locked, if it has one."""
    uow.flush()
    found = uow.session.scalar(
        select(CreditLine.id).where(CreditLine.org_id == org_id, CreditLine.currency == currency)
    )
    return lock_row(uow.session, CreditLine, found) if found is not None else None


def _locked(uow: UnitOfWork, payment_id: UUID) -> tuple[CreditLine | None, CreditHold | None]:
    uow.flush()
    found = uow.session.execute(
        select(CreditHold.id, CreditHold.line_id).where(CreditHold.payment_id == payment_id)
    ).first()
    if found is None:
        return None, None
    line = lock_row(uow.session, CreditLine, found.line_id)
    return line, lock_row(uow.session, CreditHold, found.id)
