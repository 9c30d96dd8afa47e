"""An issued invoice names the wrong buyer: its rest is taken back, and another stands in its place, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.documents.parties import DocumentParty
from billing.invoices.events import InvoiceTitleCorrected
from billing.invoices.issue_credit_note import credited_line, credited_of_line
from billing.invoices.issue_invoice import LineToInvoice, add_document
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.to_document import party_of
from billing.refunds.allocate_refund import RefundPart
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit

CORRECTIONS_MOST: Final = 5
"""Of one sale: whoever needs more has another trouble than a wrong title, and every one costs two numbers."""
REASON: Final = "title_corrected"


@dataclass(frozen=True, slots=True)
class CorrectInvoiceTitle:
    """Let `buyer` stand where another stands on an issued invoice; `reason` is in the words of whoever asks."""

    invoice_id: UUID
    buyer: DocumentParty
    reason: str


@dataclass(frozen=True, slots=True)
class TitleCorrection:
    """What came of it: the credit note of all that was left, and the invoice in the original's place."""

    note_id: UUID
    invoice_id: UUID


def correct_title(uow: UnitOfWork, command: CorrectInvoiceTitle) -> TitleCorrection:
    """Take back what is left of an invoice and issue it once more to another title. No money moves, no book changes.

    The credit note takes its number first; where tax invoices (数电票) stand for the original, after red ones.

    Raises:
        NotFound: `invoice_not_found`.
        Conflict: `invoice_not_correctable`, it is no invoice of a sale; `invoice_not_issued`; `invoice_superseded`, another
            stands in its place; `invoice_fully_credited`; `title_unchanged`; `corrections_exhausted`.

    Emits: InvoiceTitleCorrected; later CreditNoteIssued and InvoiceIssued, as they get their numbers.
    Locks: the original, behind the orders that it is about, which the caller holds.
    Idempotent by: the original and the title; asked again with the same title, the first correction is the answer.
    """
    original = lock_row(uow.session, Invoice, command.invoice_id)
    if original is None:
        raise NotFound("invoice_not_found")
    known = find_correction(uow, original.id)
    if known is not None:
        if asdict(command.buyer) == asdict(party_of(uow.session.get_one(Invoice, known.invoice_id).buyer)):
            return known
        raise Conflict("invoice_superseded")
    rest = _rest(uow, original)
    _check(uow, original, rest, command.buyer)
    note = _copy(original, "credit_note", [line for line in rest if line.gross_minor], reason=REASON)
    note.remarks = command.reason
    invoice = _copy(original, "invoice", rest)
    invoice.buyer = asdict(command.buyer)
    invoice.corrects_invoice_id = original.id
    invoice.remarks = f"更正抬头，取代 Title corrected, replaces {original.number}"
    original.superseded_at = invoice.created_at
    uow.flush()
    add_document(uow, note, [line for line in rest if line.gross_minor], original=original)
    # The same money on the same days: in the seller's own currency, too, what is taken back is what is issued again.
    invoice.accounting_tax = note.accounting_tax
    add_document(uow, invoice, rest)
    emit(
        uow,
        InvoiceTitleCorrected(
            invoice_id=original.id,
            corrected_invoice_id=invoice.id,
            note_id=note.id,
            reference=original.reference,
            buyer_org_id=original.buyer_org_id,
            seller_org_id=original.seller_org_id,
        ),
    )
    return TitleCorrection(note.id, invoice.id)


def find_correction(uow: UnitOfWork, invoice_id: UUID) -> TitleCorrection | None:
    """How an invoice's title was corrected, if it was."""
    found = uow.session.scalar(select(Invoice.id).where(Invoice.corrects_invoice_id == invoice_id))
    if found is None:
        return None
    note = select(Invoice.id).where(
        Invoice.original_invoice_id == invoice_id, Invoice.kind == "credit_note", Invoice.refund_id.is_(None)
    )
    return TitleCorrection(uow.session.scalars(note).one(), found)


def _check(uow: UnitOfWork, original: Invoice, rest: Sequence[LineToInvoice], buyer: DocumentParty) -> None:
    if original.kind != "invoice":
        raise Conflict("invoice_not_correctable")
    if original.number is None:
        raise Conflict("invoice_not_issued")
    if not any(line.gross_minor for line in rest):
        raise Conflict("invoice_fully_credited")
    if asdict(buyer) == asdict(party_of(original.buyer)):
        raise Conflict("title_unchanged")
    made, at = 0, original
    while at.corrects_invoice_id is not None:
        made, at = made + 1, uow.session.get_one(Invoice, at.corrects_invoice_id)
    if made >= CORRECTIONS_MOST:
        raise Conflict("corrections_exhausted", limit=CORRECTIONS_MOST)


def _rest(uow: UnitOfWork, original: Invoice) -> list[LineToInvoice]:
    """What is left of each line; lines that cost nothing from the first stay as they are."""
    rows = uow.session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == original.id).order_by(InvoiceLine.position)
    )
    rest = []
    for row in rows:
        net, tax, gross = credited_of_line(uow, original.id, row.reference)
        left = RefundPart(row.net_minor - net, row.tax_minor - tax, row.gross_minor - gross)
        if left.gross_minor or not row.gross_minor:
            rest.append(credited_line(row, left))
    return rest


def _copy(original: Invoice, kind: str, lines: Sequence[LineToInvoice], *, reason: str = "") -> Invoice:
    """A document of what is left of the original, with all that the original says; of what was paid, that part."""
    gross_minor = sum(line.gross_minor for line in lines)
    return Invoice(
        id=uuid7(),
        buyer_org_id=original.buyer_org_id,
        seller_org_id=original.seller_org_id,
        kind=kind,
        reference=original.reference,
        month=original.month,
        currency=original.currency,
        net_minor=sum(line.net_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        gross_minor=gross_minor,
        paid_minor=min(original.paid_minor, gross_minor),
        language=original.language,
        seller=original.seller,
        buyer=original.buyer,
        order_number=original.order_number,
        po_number=original.po_number,
        cost_centre=original.cost_centre,
        payment_reference=original.payment_reference,
        reason=reason,
        remarks="",
        period_start_on=original.period_start_on,
        period_end_on=original.period_end_on,
        sandbox=original.sandbox,
        verification_code=secrets.token_urlsafe(16),
        created_at=clock.now(),
    )
