"""Where documents' files lie, and what they are to be called: of one, of chosen ones, of all that a filter finds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
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
class IndexedDocument:
    """A document in the index of an archive. Amounts positive; `state` says whether its files are in it yet."""

    number: str
    kind: str
    issued_on: date | None
    issuer: str
    issuer_tax_id: str
    order_number: str
    po_number: str
    cost_centre: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    currency: str
    state: Literal["drawn", "pending"]
    pdf_name: str
    xml_name: str
    accounting_tax_minor: int = 0
    accounting_currency: str = ""
    """Where the seller accounts for the tax in another currency."""
    fapiao_numbers: str = ""
    """Of the tax invoices (数电票) that stand beside it, where there are any."""


@dataclass(frozen=True, slots=True)
class FilesFound:
    """Documents' files, which of the documents have none yet (issuer and number), and all of them as a table."""

    files: list[StoredFile]
    pending: list[str]
    index: list[IndexedDocument]
    stems: dict[UUID, str] = field(default_factory=dict)
    """What each document's files are called, by its id, in the order of the index."""


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
            issuer.label("issuer"),
            Invoice.pdf_key,
            Invoice.pdf_sha256,
            Invoice.xml_key,
            Invoice.xml_sha256,
            Invoice.kind,
            Invoice.issued_on,
            func.coalesce(Invoice.seller["tax_id"].astext, "").label("issuer_tax_id"),
            Invoice.order_number,
            Invoice.po_number,
            Invoice.cost_centre,
            Invoice.net_minor,
            Invoice.tax_minor,
            Invoice.gross_minor,
            Invoice.currency,
            Invoice.accounting_tax,
        )
        .where(*conditions)
        .order_by(issuer, Invoice.number, Invoice.id)
    ).all()
    stems = file_stems([NamedDocument(row.id, row.number or "", row.issuer) for row in rows])
    files: list[StoredFile] = []
    index: list[IndexedDocument] = []
    for stem, row in zip(stems, rows, strict=True):
        names = {"pdf": "", "xml": ""}
        for form, key, sha256 in (("pdf", row.pdf_key, row.pdf_sha256), ("xml", row.xml_key, row.xml_sha256)):
            if key is not None and sha256 is not None:
                names[form] = f"{stem}.{form}"
                files.append(StoredFile(key, names[form], sha256))
        index.append(_indexed(row, names))
    pending = [f"{row.issuer} {row.number or row.id}" for row in rows if row.pdf_key is None]
    return FilesFound(files, pending, index, {row.id: stem for stem, row in zip(stems, rows, strict=True)})


def _indexed(row: Any, names: dict[str, str]) -> IndexedDocument:
    accounting = row.accounting_tax or {"tax_minor": 0, "currency": ""}
    return IndexedDocument(
        number=row.number or "",
        kind=row.kind,
        issued_on=row.issued_on,
        issuer=row.issuer,
        issuer_tax_id=row.issuer_tax_id,
        order_number=row.order_number,
        po_number=row.po_number,
        cost_centre=row.cost_centre,
        net_minor=row.net_minor,
        tax_minor=row.tax_minor,
        gross_minor=row.gross_minor,
        currency=row.currency.strip(),
        state="pending" if row.pdf_key is None else "drawn",
        pdf_name=names["pdf"],
        xml_name=names["xml"],
        accounting_tax_minor=accounting["tax_minor"],
        accounting_currency=accounting["currency"],
    )
