"""Draw a document's files, store them, and remember what was stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from billing.documents.cii import to_cii
from billing.documents.en16931 import en16931_violation
from billing.documents.model import InvoiceDocument
from billing.invoices.events import InvoiceRendered
from billing.invoices.models import Invoice
from billing.invoices.to_document import load_document
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.context import JobClaim
from kernel.jobs.outbox import emit
from kernel.storage import Storage

RENDER_TIMEOUT_S = 60.0


class Renderer(Protocol):
    """Draws a document as tagged PDF/A-3a in a process of its own."""

    def render(self, document: InvoiceDocument, timeout_s: float) -> bytes:
        """The file. Raises Unavailable when it cannot be drawn now."""


@dataclass(frozen=True, slots=True)
class _Files:
    pdf_key: str
    pdf_sha256: str
    xml_key: str | None
    xml_sha256: str | None


@dataclass(frozen=True, slots=True)
class _ToRender:
    invoice_id: UUID
    document: InvoiceDocument


class RenderDocument:
    """The steps of a job that renders one numbered document and stores its files.

    What has been stored is never written again: a later release may draw other bytes. Emits: InvoiceRendered, once.
    """

    def __init__(self, storage: Storage, renderer: Renderer, *, public_url: str) -> None:
        self._storage = storage
        self._renderer = renderer
        self._public_url = public_url

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _ToRender | None:
        """The document, unless it has its files already."""
        invoice_id = UUID(claim.payload["invoice_id"])
        document = load_document(uow, invoice_id, public_url=self._public_url)
        if uow.session.get_one(Invoice, invoice_id).pdf_key is not None:
            return None
        return _ToRender(invoice_id, document)

    def call(self, request: _ToRender) -> _Files:
        """Draw the document in a process of its own, and store what was drawn."""
        document = request.document
        folder = f"invoices/{document.issued_on.year}/{request.invoice_id}"
        pdf = self._storage.put_bytes(f"{folder}.pdf", self._renderer.render(document, RENDER_TIMEOUT_S))
        xml_key = xml_sha256 = None
        # A document the standard cannot express has its paper only.
        if en16931_violation(document) is None:
            xml = self._storage.put_bytes(f"{folder}.xml", to_cii(document))
            xml_key, xml_sha256 = xml.key, xml.sha256
        return _Files(pdf.key, pdf.sha256, xml_key, xml_sha256)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _ToRender, answer: _Files) -> None:
        """Remember the files."""
        invoice = lock_row(uow.session, Invoice, request.invoice_id)
        if invoice is None:
            raise NotFound("invoice_not_found")
        if invoice.pdf_key is not None:
            return
        invoice.pdf_key, invoice.pdf_sha256 = answer.pdf_key, answer.pdf_sha256
        invoice.xml_key, invoice.xml_sha256 = answer.xml_key, answer.xml_sha256
        invoice.rendered_at = clock.now()
        emit(
            uow,
            InvoiceRendered(
                invoice_id=invoice.id,
                reference=invoice.reference,
                buyer_org_id=invoice.buyer_org_id,
                seller_org_id=invoice.seller_org_id,
            ),
        )
