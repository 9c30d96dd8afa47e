"""Where documents' files lie, and what they are to be called: of one, of chosen ones, of all that a filter finds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from billing.invoices.file_names import NamedDocument, file_stems
from billing.invoices.models import Invoice
from billing.invoices.queries import InvoiceFilter, conditions_of, is_visible, visible_invoice
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where a document's file lies and what it is to be called."""

    key: str
    file_name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FilesFound:
    """Documents' files, and which of the documents have none yet: issuer and number."""

    files: list[StoredFile]
    pending: list[str]


def find_file(uow: UnitOfWork, invoice_id: UUID, form: Literal["pdf", "xml"]) -> StoredFile:
    """Where a document's file is.

    Raises:
        NotFound: `invoice_not_found`; `invoice_has_no_xml`, the standard cannot express this document.
        Conflict: `invoice_file_not_ready`, it has not been drawn yet.
    """
    invoice = visible_invoice(uow, invoice_id)
    if invoice.number is None or invoice.rendered_at is None:
        raise Conflict("invoice_file_not_ready")
    key = invoice.pdf_key if form == "pdf" else invoice.xml_key
    sha256 = invoice.pdf_sha256 if form == "pdf" else invoice.xml_sha256
    if key is None or sha256 is None:
        raise NotFound("invoice_has_no_xml")
    return StoredFile(key, f"{invoice.number}.{form}", sha256)


def files_of(uow: UnitOfWork, wanted: InvoiceFilter) -> FilesFound:
    """Every file of the documents the filter finds, by issuer and number."""
    return _files(uow, *conditions_of(uow, wanted))


def files_of_documents(uow: UnitOfWork, invoice_ids: Collection[UUID]) -> FilesFound:
    """Every file of these documents, by issuer and number. Raises NotFound(`invoice_not_found`): one is not to be seen."""
    chosen = set(invoice_ids)
    conditions = (Invoice.id.in_(chosen), is_visible(uow))
    if uow.session.scalar(select(func.count(Invoice.id)).where(*conditions)) != len(chosen):
        raise NotFound("invoice_not_found")
    return _files(uow, *conditions)


def _files(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> FilesFound:
    issuer = Invoice.seller["legal_name"].astext
    rows = uow.session.execute(
        select(
            Invoice.id,
            Invoice.number,
            issuer,
            Invoice.pdf_key,
            Invoice.pdf_sha256,
            Invoice.xml_key,
            Invoice.xml_sha256,
        )
        .where(*conditions)
        .order_by(issuer, Invoice.number, Invoice.id)
    ).all()
    stems = file_stems([NamedDocument(row[0], row[1] or "", row[2]) for row in rows])
    files = [
        StoredFile(key, f"{stem}.{form}", sha256)
        for stem, (_, _, _, pdf_key, pdf_sha256, xml_key, xml_sha256) in zip(stems, rows, strict=True)
        for form, key, sha256 in (("pdf", pdf_key, pdf_sha256), ("xml", xml_key, xml_sha256))
        if key is not None and sha256 is not None
    ]
    return FilesFound(files, [f"{row[2]} {row[1] or row[0]}" for row in rows if row[3] is None])
