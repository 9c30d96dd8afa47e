"""A document in UBL, written from its own copies whenever somebody asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from billing.documents.en16931 import en16931_violation
from billing.documents.ubl import to_ubl
from billing.invoices.queries import visible_invoice
from billing.invoices.to_document import load_document
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class UblFile:
    """The XML, and what it is to be called."""

    content: bytes
    file_name: str


def ubl_of(uow: UnitOfWork, invoice_id: UUID) -> UblFile:
    """A document that the acting organization may see, as UBL 2.1; the same bytes each time.

    Raises:
        NotFound: `invoice_not_found`; `invoice_has_no_xml`, the standard cannot express this document.
        Conflict: `invoice_not_issued`, it has no number yet.
    """
    invoice = visible_invoice(uow, invoice_id)
    document = load_document(uow, invoice.id, public_url="")
    if en16931_violation(document) is not None:
        raise NotFound("invoice_has_no_xml")
    return UblFile(to_ubl(document), f"{document.number}-ubl.xml")
