"""Somebody waits for a document that is not drawn yet: it goes before those that nobody has asked for."""

from __future__ import annotations

from uuid import UUID

from billing.invoices.models import Invoice
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import enqueue

RENDER_FIRST = "billing.invoice.render_first"
"""Kind of the job that draws what somebody waits for. Kinds take turns, so it stands behind no backlog of the other."""


def draw_first(uow: UnitOfWork, invoice_id: UUID) -> None:
    """Let an issued document without files be drawn at once.

    The job that it was issued with stays; whichever comes second finds it drawn.

    Idempotent by: the document, while that job waits.
    """
    invoice = uow.session.get(Invoice, invoice_id)
    if invoice is not None and invoice.number is not None and invoice.pdf_key is None:
        enqueue(uow, RENDER_FIRST, {"invoice_id": str(invoice_id)}, dedupe_key=str(invoice_id))
