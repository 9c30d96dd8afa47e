"""A credit note of a bill with tax invoices (数电票) takes its number when red ones take back all that it credits."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.fapiao.models import FapiaoLine
from billing.fapiao.taken_back import covers, lines_taken, noted_of_lines, own_reddened
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.number_document import ISSUE
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import enqueue


def complete_note(uow: UnitOfWork, note_id: UUID) -> None:
    """Let a credit note take its number if it may: by its own red ones, or by what others left over. Locks: the note."""
    note = lock_row(uow.session, Invoice, note_id)
    if note is None or note.reddened_at is not None or note.number is not None:
        return
    wanted = noted_of_lines(uow, note.id)
    if not covers(own_reddened(uow, note_id=note.id), wanted):
        taken = lines_taken(uow, wanted, besides=note.id, notes=False)
        if not covers({line_id: one.reddened - one.claimed for line_id, one in taken.items()}, wanted):
            return
    note.reddened_at = clock.now()
    uow.flush()
    enqueue(uow, ISSUE, {"invoice_id": str(note.id)}, dedupe_key=f"{note.id}:reddened")


def complete_notes_of(uow: UnitOfWork, red_id: UUID) -> None:
    """A red one has its number: credit notes of its bills that waited for that take theirs. Locks: these notes."""
    bills = (
        select(InvoiceLine.invoice_id)
        .join(FapiaoLine, FapiaoLine.invoice_line_id == InvoiceLine.id)
        .where(FapiaoLine.fapiao_id == red_id)
    )
    waiting = select(Invoice.id).where(
        Invoice.original_invoice_id.in_(bills), Invoice.reddened_at.is_(None), Invoice.number.is_(None)
    )
    for note_id in uow.session.scalars(waiting.order_by(Invoice.id)).all():
        complete_note(uow, note_id)
