"""Facts about legal documents."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class InvoiceIssued(Event):
    """An invoice has its number. `reference` is the order, or the statement of a commission invoice."""

    topic: ClassVar[str] = "billing.invoice_issued.v1"
    invoice_id: UUID
    reference: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    number: str


class CreditNoteIssued(Event):
    """A credit note has its number."""

    topic: ClassVar[str] = "billing.credit_note_issued.v1"
    invoice_id: UUID
    reference: UUID
    original_invoice_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    number: str


class InvoiceTitleCorrected(Event):
    """A buyer had an issued invoice replaced by one with another title; both documents get their numbers later."""

    topic: ClassVar[str] = "billing.invoice_title_corrected.v1"
    invoice_id: UUID
    """The one that is superseded."""
    corrected_invoice_id: UUID
    note_id: UUID
    reference: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class InvoiceRendered(Event):
    """The files of a document are stored and can be downloaded."""

    topic: ClassVar[str] = "billing.invoice_rendered.v1"
    invoice_id: UUID
    reference: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
