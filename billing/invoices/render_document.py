"""Draw a document's files, store them, and remember what was stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from billing.documents.cii import departure_from_en16931, to_cii
from billing.documents.model import InvoiceDocument
from billing.invoices.events import InvoiceRendered
from billing.invoices.models import Invoice
from billing.invoices.to_document import load_document
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from kernel.jobs.runner import JobContext
from kernel.storage import Storage

RENDER_TIMEOUT_S = 60.0


class Renderer(Protocol):
    """Draws a document as PDF/A-3b in a process of its own."""

    def render(self, document: InvoiceDocument, timeout_s: float) -> bytes:
        """The file. Raises Unavailable when it cannot be drawn now."""


@dataclass(frozen=True, slots=True)
class _Files:
    pdf_key: str
    pdf_sha256: str
    xml_key: str | None
    xml_sha256: str | None


def render_document(
    ctx: JobContext, storage: Storage, renderer: Renderer, invoice_id: UUID, *, public_url: str
) -> None:
    """Render one numbered document. What has been stored is never written again: a later release may draw other bytes.

    Emits: InvoiceRendered, once.
    """
    document = ctx.transact(lambda uow: _undrawn(uow, invoice_id, public_url))
    if document is None:
        return
    folder = f"invoices/{document.issued_on.year}/{invoice_id}"
    pdf = storage.put_bytes(f"{folder}.pdf", renderer.render(document, RENDER_TIMEOUT_S))
    xml_key = xml_sha256 = None
    # A document the standard cannot express has its paper only.
    if departure_from_en16931(document) is None:
        xml = storage.put_bytes(f"{folder}.xml", to_cii(document))
        xml_key, xml_sha256 = xml.key, xml.sha256
    files = _Files(pdf.key, pdf.sha256, xml_key, xml_sha256)
    ctx.transact(lambda uow: _remember(uow, invoice_id, files))


def _undrawn(uow: UnitOfWork, invoice_id: UUID, public_url: str) -> InvoiceDocument | None:
    document = load_document(uow, invoice_id, public_url=public_url)
    return document if uow.session.get_one(Invoice, invoice_id).pdf_key is None else None


def _remember(uow: UnitOfWork, invoice_id: UUID, files: _Files) -> None:
    invoice = lock_row(uow.session, Invoice, invoice_id)
    if invoice is None:
        raise NotFound("invoice_not_found")
    if invoice.pdf_key is not None:
        return
    invoice.pdf_key, invoice.pdf_sha256 = files.pdf_key, files.pdf_sha256
    invoice.xml_key, invoice.xml_sha256 = files.xml_key, files.xml_sha256
    invoice.rendered_at = clock.now()
    uow.flush()
    emit(
        uow,
        InvoiceRendered(
            invoice_id=invoice.id,
            reference=invoice.reference,
            buyer_org_id=invoice.buyer_org_id,
            seller_org_id=invoice.seller_org_id,
        ),
    )
