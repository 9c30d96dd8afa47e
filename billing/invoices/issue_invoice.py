"""Issue an invoice: it is written with all its copies, and takes its number last of all in the same transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy import bindparam, select

from billing.documents.model import LINES_MAX
from billing.documents.parties import DocumentParty
from billing.invoices.accounting_tax import say_accounting_tax
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.number_document import number_last
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7

Kind = Literal["invoice", "credit_note", "commission_invoice"]
Language = Literal["zh-CN", "en", "bilingual"]


@dataclass(frozen=True, slots=True)
class LineToInvoice:
    """One line with its amounts as the order pinned them; `reference` is the order line."""

    reference: UUID
    name: str
    quantity: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate_ppm: int
    tax_category: str
    tax_reason: str = ""
    description: str = ""
    unit: str = ""
    unit_code: str = "C62"
    order_id: UUID | None = None
    """On a consolidated document: whose line it is, that order's number, and what the buyer's books call it."""
    order_number: str = ""
    order_details: str = ""
    period: tuple[date, date] | None = None
    """On a consolidated document, half-open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueInvoice:
    """Invoice `reference` (an order; for a commission invoice a statement). Parties are copied as they are now."""

    reference: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    buyer: DocumentParty
    seller: DocumentParty
    currency: str
    lines: Sequence[LineToInvoice]
    order_number: str
    sandbox: bool
    """Issued without a tax authority; the document says so."""
    paid_minor: int = 0
    due_on: date | None = None
    """By when the rest is to be paid."""
    language: Language = "bilingual"
    po_number: str = ""
    cost_centre: str = ""
    """What the buyer's books call the department whose spending it is."""
    payment_reference: str = ""
    remarks: str = ""
    period: tuple[date, date] | None = None
    """Half-open: first day, first day after."""
    kind: Kind = "invoice"
    issuer_time_zone: str = ""
    """Where the issuer keeps its books, when the caller knows."""
    month: date | None = None
    """Of a consolidated invoice, its first day."""


ISSUED = Read(
    select(Invoice.id).where(
        Invoice.reference == bindparam("reference"), Invoice.kind != "credit_note", Invoice.superseded_at.is_(None)
    )
)
"""The invoice that stands for what `reference` names."""


def ask_invoice(uow: UnitOfWork, reference: UUID) -> None:
    """Ask ahead what `issue_invoice` reads; the caller holds what `reference` names."""
    uow.ask_ahead(ISSUED, reference=reference)


def issue_invoice(uow: UnitOfWork, command: IssueInvoice) -> UUID:
    """Write the document down, number it last in this transaction, and let a job render it. Returns its id.

    Raises:
        Invalid: `document_line_count` without lines.

    Emits: InvoiceIssued with the number; later, from the job: InvoiceRendered.
    Idempotent by: the reference; the first invoice of an order stands.
    """
    known: UUID | None = uow.find(ISSUED, reference=command.reference)
    if known is not None:
        return known
    if not command.lines:
        raise Invalid("document_line_count", field="lines", limit=LINES_MAX)
    start_on, end_on = command.period or (None, None)
    invoice = Invoice(
        id=uuid7(),
        buyer_org_id=command.buyer_org_id,
        seller_org_id=command.seller_org_id,
        kind=command.kind,
        reference=command.reference,
        month=command.month,
        currency=command.currency,
        net_minor=sum(line.net_minor for line in command.lines),
        tax_minor=sum(line.tax_minor for line in command.lines),
        gross_minor=sum(line.gross_minor for line in command.lines),
        paid_minor=command.paid_minor,
        due_on=command.due_on,
        language=command.language,
        seller=asdict(command.seller),
        buyer=asdict(command.buyer),
        order_number=command.order_number,
        po_number=command.po_number,
        cost_centre=command.cost_centre,
        payment_reference=command.payment_reference,
        reason="",
        remarks=command.remarks,
        period_start_on=start_on,
        period_end_on=end_on,
        sandbox=command.sandbox,
        verification_code=secrets.token_urlsafe(16),
        created_at=clock.now(),
    )
    add_document(uow, invoice, command.lines, time_zone=command.issuer_time_zone)
    return invoice.id


def add_document(
    uow: UnitOfWork,
    invoice: Invoice,
    lines: Sequence[LineToInvoice],
    *,
    original: Invoice | None = None,
    time_zone: str = "",
) -> None:
    """Insert a document with its lines and number it last; what cannot be numbered now is left to a job."""
    invoice.state = "queued"
    invoice.original_invoice_id = original.id if original else None
    say_accounting_tax(uow, invoice, original)
    uow.add(invoice)
    rows = [
        InvoiceLine(
            buyer_org_id=invoice.buyer_org_id,
            seller_org_id=invoice.seller_org_id,
            invoice_id=invoice.id,
            position=position,
            reference=line.reference,
            order_id=line.order_id,
            order_number=line.order_number,
            order_details=line.order_details,
            period_start_on=line.period[0] if line.period else None,
            period_end_on=line.period[1] if line.period else None,
            name=line.name,
            description=line.description,
            quantity=line.quantity,
            unit=line.unit,
            unit_code=line.unit_code,
            tax_category=line.tax_category,
            tax_rate_ppm=line.tax_rate_ppm,
            tax_reason=line.tax_reason,
            net_minor=line.net_minor,
            tax_minor=line.tax_minor,
            gross_minor=line.gross_minor,
            currency=invoice.currency,
        )
        for position, line in enumerate(lines, 1)
    ]
    for row in rows:
        uow.add(row)
    number_last(uow, invoice, rows, original=original, time_zone=time_zone)
