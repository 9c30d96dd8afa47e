"""Give a queued document its number: the moment at which it exists legally."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, cast
from uuid import UUID

from billing.invoices.events import CreditNoteIssued, InvoiceIssued
from billing.invoices.models import Invoice
from billing.invoices.number_series import Taken, take_number
from billing.invoices.states import INVOICE
from billing.invoices.to_document import check_drawable
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.kinds import RetryLater
from kernel.jobs.outbox import emit, enqueue

RENDER = "billing.invoice.render"
"""Kind of the job that draws a document's files."""


def number_document(uow: UnitOfWork, invoice_id: UUID) -> str:
    """Issue a document; returns its number.

    Raises:
        NotFound: `invoice_not_found`.
        RetryLater: a credit note whose original has no number yet.
        Invalid: what `check_drawable` refuses; no number was taken.

    Emits: InvoiceIssued or CreditNoteIssued.
    Locks: the document, then, last, its series.
    Idempotent by: the document; it keeps its first number.
    """
    invoice = lock_row(uow.session, Invoice, invoice_id)
    if invoice is None:
        raise NotFound("invoice_not_found")
    if invoice.number is not None:
        return invoice.number
    if invoice.original_invoice_id is not None:
        original = uow.session.get_one(Invoice, invoice.original_invoice_id)
        if original.number is None:
            raise RetryLater(timedelta(seconds=1), "the original is not issued yet")
    check_drawable(uow, invoice)
    enqueue(uow, RENDER, {"invoice_id": str(invoice.id)}, dedupe_key=str(invoice.id))
    kind = cast("Literal['invoice', 'credit_note', 'commission_invoice']", invoice.kind)
    _issue(uow, invoice, take_number(uow, invoice.seller_org_id, kind))
    return invoice.number or ""


def _issue(uow: UnitOfWork, invoice: Invoice, taken: Taken) -> None:
    parties = [invoice.buyer_org_id, invoice.seller_org_id]
    invoice.series_id = taken.series_id
    invoice.sequence = taken.sequence
    invoice.number = taken.number
    invoice.issued_at = taken.at
    invoice.issued_on = taken.on
    INVOICE.move(uow, invoice, "issued", org_ids=parties)
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
    uow.flush()
