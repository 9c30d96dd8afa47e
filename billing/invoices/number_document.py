"""Give a queued document its number: the moment at which it exists legally."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import select

from billing.invoices.accounting_tax import RATE_WAITS, awaits_rate, say_accounting_tax
from billing.invoices.events import CreditNoteIssued, InvoiceIssued
from billing.invoices.models import INVOICE, FapiaoSource, Invoice, InvoiceLine
from billing.invoices.number_series import Taken, ask_number, take_number
from billing.invoices.to_document import validate_renderable
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.jobs.kinds import RetryLater
from kernel.jobs.outbox import emit, enqueue

ISSUE = "billing.invoice.issue"
"""Kind of the job that numbers a document which could not be numbered when it was written."""
RENDER = "billing.invoice.render"
"""Kind of the job that draws a document's files."""
REDDEN = "billing.fapiao.redden"
"""Kind of the job by which the tax invoices (数电票) of a credited bill are taken back before its credit note takes a number."""


def number_last(
    uow: UnitOfWork,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    *,
    original: Invoice | None,
    time_zone: str,
) -> None:
    """Let a document just added take its number when everything else of the transaction is done.

    Several documents ask for theirs together.

    What cannot be issued now (paper would refuse it, its original has no number yet, the transaction is not the
    platform's) is left to a job.
    """
    org_ids = [invoice.buyer_org_id, invoice.seller_org_id]

    def number() -> Callable[[], None]:
        if not uow.principal.is_platform or not _may_be_issued(invoice, lines, original):
            return leave_to_job
        taken = ask_number(uow, invoice.seller_org_id, _series(invoice), time_zone=time_zone)
        return lambda: issue(taken())

    def issue(taken: Taken) -> None:
        INVOICE.begin(uow, invoice, "issued", org_ids=org_ids)
        _issue(uow, invoice, taken)

    def leave_to_job() -> None:
        INVOICE.begin(uow, invoice, "queued", org_ids=org_ids)
        enqueue(uow, ISSUE, {"invoice_id": str(invoice.id)}, dedupe_key=str(invoice.id))

    if original is not None and has_fapiao(uow, original.id):
        INVOICE.begin(uow, invoice, "queued", org_ids=org_ids)
        enqueue(uow, REDDEN, {"invoice_id": str(invoice.id)}, dedupe_key=str(invoice.id))
        return
    uow.do_last(("number_series", str(invoice.seller_org_id), invoice.kind), number)


def has_fapiao(uow: UnitOfWork, invoice_id: UUID) -> bool:
    """Whether tax invoices (数电票) of a bill were asked for."""
    return uow.session.scalar(select(FapiaoSource.id).where(FapiaoSource.invoice_id == invoice_id)) is not None


def _may_be_issued(invoice: Invoice, lines: Sequence[InvoiceLine], original: Invoice | None) -> bool:
    if (original is not None and original.number is None) or awaits_rate(invoice):
        return False
    if invoice.corrects_invoice_id is not None:
        # Behind the credit note of what it stands for, whose number comes in this transaction at the earliest.
        return False
    try:
        validate_renderable(invoice, lines, original)
    except Invalid:
        # The job says why, and a person reads it.
        return False
    return True


def number_document(uow: UnitOfWork, invoice_id: UUID) -> str:
    """Issue a document that could not be issued when it was written; returns its number.

    Raises:
        NotFound: `invoice_not_found`.
        RetryLater: a credit note whose original has no number yet; an invoice in the place of one that is not taken back yet;
            foreign-currency tax of which no rate is known yet.
        Invalid: what `validate_renderable` refuses; no number was taken.

    Emits: InvoiceIssued or CreditNoteIssued.
    Locks: the document, then, last, its series.
    Idempotent by: the document; it keeps its first number.
    """
    invoice = lock_row(uow.session, Invoice, invoice_id)
    if invoice is None:
        raise NotFound("invoice_not_found")
    if invoice.number is not None:
        return invoice.number
    original = None
    if invoice.original_invoice_id is not None:
        original = uow.session.get_one(Invoice, invoice.original_invoice_id)
        if original.number is None:
            raise RetryLater(timedelta(seconds=1), "the original is not issued yet")
        if invoice.reddened_at is None and has_fapiao(uow, original.id):
            raise RetryLater(timedelta(hours=1), "the original's tax invoices are not taken back yet")
    if invoice.corrects_invoice_id is not None and not _is_taken_back(uow, invoice.corrects_invoice_id):
        # Woken when it is (`_issue`): that takes as long as red tax invoices do.
        raise RetryLater(timedelta(minutes=1), "what it stands for is not taken back yet")
    lines = uow.session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.position)
    ).all()
    say_accounting_tax(uow, invoice, original)
    if awaits_rate(invoice):
        raise RetryLater(RATE_WAITS, "no reference rate of these days is known")
    validate_renderable(invoice, lines, original)
    taken = take_number(uow, invoice.seller_org_id, _series(invoice))
    INVOICE.move(uow, invoice, "issued", org_ids=[invoice.buyer_org_id, invoice.seller_org_id])
    _issue(uow, invoice, taken)
    return invoice.number or ""


def _is_taken_back(uow: UnitOfWork, invoice_id: UUID) -> bool:
    """Whether the credit note by which an invoice with another title takes its place has its number."""
    note = select(Invoice.id).where(
        Invoice.original_invoice_id == invoice_id,
        Invoice.kind == "credit_note",
        Invoice.refund_id.is_(None),
        Invoice.number.is_not(None),
    )
    return uow.session.scalar(note) is not None


def _series(invoice: Invoice) -> Literal["invoice", "credit_note", "commission_invoice"]:
    return cast("Literal['invoice', 'credit_note', 'commission_invoice']", invoice.kind)


def _issue(uow: UnitOfWork, invoice: Invoice, taken: Taken) -> None:
    invoice.series_id = taken.series_id
    invoice.sequence = taken.sequence
    invoice.number = taken.number
    invoice.issued_at = taken.at
    invoice.issued_on = taken.on
    enqueue(uow, RENDER, {"invoice_id": str(invoice.id)}, dedupe_key=str(invoice.id))
    if invoice.original_invoice_id is None:
        emit(
            uow,
            InvoiceIssued(
                invoice_id=invoice.id,
                reference=invoice.reference,
                buyer_org_id=invoice.buyer_org_id,
                seller_org_id=invoice.seller_org_id,
                number=taken.number,
            ),
        )
    else:
        if invoice.refund_id is None:
            _wake_corrected(uow, invoice.original_invoice_id)
        emit(
            uow,
            CreditNoteIssued(
                invoice_id=invoice.id,
                reference=invoice.reference,
                original_invoice_id=invoice.original_invoice_id,
                buyer_org_id=invoice.buyer_org_id,
                seller_org_id=invoice.seller_org_id,
                number=taken.number,
            ),
        )


def _wake_corrected(uow: UnitOfWork, invoice_id: UUID) -> None:
    """Let what stands in an invoice's place take its number now that the credit note has one."""
    waiting = uow.session.scalar(select(Invoice.id).where(Invoice.corrects_invoice_id == invoice_id))
    if waiting is not None:
        enqueue(uow, ISSUE, {"invoice_id": str(waiting)}, dedupe_key=f"{waiting}:taken_back")
