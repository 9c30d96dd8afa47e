"""A stored document as the pure value that paper and XML are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.documents.lines import DocumentLine, TaxCategory, unit_price_of
from billing.documents.model import AccountingTax, DocumentKind, InvoiceDocument, Language, OriginalInvoice
from billing.documents.parties import DocumentParty, Period
from billing.gateways.sandbox import NAME as SANDBOX
from billing.invoices.consolidated import last_day_of
from billing.invoices.models import Invoice, InvoiceLine
from billing.reference_rates.conversion import PublishedRate
from billing.refunds.reasons import reason_in_words
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound


def load_document(uow: UnitOfWork, invoice_id: UUID, *, public_url: str) -> InvoiceDocument:
    """The numbered document with this id.

    Raises:
        NotFound: `invoice_not_found`.
        Conflict: `invoice_not_issued`, it has no number yet.
    """
    invoice = uow.session.get(Invoice, invoice_id)
    if invoice is None:
        raise NotFound("invoice_not_found")
    if invoice.number is None or invoice.issued_on is None:
        raise Conflict("invoice_not_issued")
    lines = uow.session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.position)
    ).all()
    original = None
    if invoice.original_invoice_id is not None:
        original = uow.session.get_one(Invoice, invoice.original_invoice_id)
    return _document(invoice, lines, original, invoice.number, invoice.issued_on, public_url)


def validate_renderable(invoice: Invoice, lines: Sequence[InvoiceLine], original: Invoice | None = None) -> None:
    """Build a document that has no number yet: one that paper would refuse must not become a legal one.

    Raises:
        Invalid: as `InvoiceDocument`.
    """
    _document(invoice, lines, original, "DRAFT", clock.today(), "")


def _document(
    invoice: Invoice,
    rows: Sequence[InvoiceLine],
    original: Invoice | None,
    number: str,
    issued_on: date,
    public_url: str,
) -> InvoiceDocument:
    period = None
    if invoice.period_start_on is not None and invoice.period_end_on is not None:
        period = Period.from_half_open(invoice.period_start_on, invoice.period_end_on)
    is_credit_note = invoice.kind == "credit_note"
    return InvoiceDocument(
        kind=DocumentKind.CREDIT_NOTE if is_credit_note else DocumentKind.INVOICE,
        number=number,
        issued_on=issued_on,
        currency=invoice.currency,
        language=Language(invoice.language),
        seller=party_of(invoice.seller),
        buyer=party_of(invoice.buyer),
        lines=tuple(_line(row) for row in rows),
        net_minor=invoice.net_minor,
        tax_minor=invoice.tax_minor,
        gross_minor=invoice.gross_minor,
        sandbox=invoice.sandbox,
        period=period,
        delivered_on=last_day_of(invoice.month) if invoice.month else None,
        paid_minor=invoice.paid_minor,
        carried_over=is_credit_note and invoice.refund_id is None,
        due_on=invoice.due_on,
        order_ref=invoice.order_number,
        purchase_order=invoice.po_number,
        cost_centre=invoice.cost_centre,
        payment_ref=invoice.payment_reference,
        original=_original(invoice, original),
        remarks=invoice.remarks,
        accounting_tax=accounting_tax_of(invoice.accounting_tax),
        issuer=SANDBOX if invoice.sandbox else "",
        verification_url=f"{public_url}/v1/invoice-verifications/{invoice.verification_code}" if public_url else "",
    )


def party_of(stored: Mapping[str, Any]) -> DocumentParty:
    """The snapshot of a party as it was copied at issue."""
    return DocumentParty(**{**stored, "address_lines": tuple(stored.get("address_lines", ()))})


def accounting_tax_of(kept: Mapping[str, Any] | None) -> AccountingTax | None:
    """What a document keeps of its tax in another currency, as it says it."""
    if kept is None:
        return None
    rate = "; ".join(PublishedRate.of_json(one).in_words() for one in kept["rates"])
    return AccountingTax(kept["currency"], kept["tax_minor"], rate)


def _original(invoice: Invoice, original: Invoice | None) -> OriginalInvoice | None:
    if original is None:
        return None
    if original.number is None or original.issued_on is None:
        raise Conflict("invoice_not_issued")
    return OriginalInvoice(
        original.number, original.issued_on, reason=reason_in_words(invoice.reason, invoice.language)
    )


def _line(row: InvoiceLine) -> DocumentLine:
    # The column keeps six digits; 12 seats are to be printed as 12.
    quantity = (
        row.quantity.quantize(1) if row.quantity == row.quantity.to_integral_value() else row.quantity.normalize()
    )
    period = None
    if row.period_start_on is not None and row.period_end_on is not None:
        period = Period.from_half_open(row.period_start_on, row.period_end_on)
    return DocumentLine(
        name=row.name,
        quantity=quantity,
        unit_price_minor=unit_price_of(row.net_minor, quantity),
        net_minor=row.net_minor,
        tax_category=TaxCategory(row.tax_category),
        tax_rate_ppm=row.tax_rate_ppm,
        tax_minor=row.tax_minor,
        gross_minor=row.gross_minor,
        description=row.description,
        unit=row.unit,
        unit_code=row.unit_code,
        exemption_reason=row.tax_reason,
        order_ref=row.order_number,
        order_details=row.order_details,
        period=period,
    )
