"""Take an invoice back, wholly or in part, because of a refund."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Text, cast, exists, func, select

from billing.bank.models import TransferCredit
from billing.charges.models import Charge
from billing.documents.lines import unit_price_of
from billing.invoices.issue_invoice import LineToInvoice, add_document
from billing.invoices.models import Invoice, InvoiceLine
from billing.refunds.allocate_refund import RefundPart
from billing.refunds.models import EFFECTIVE, Refund, RefundAttempt, RefundLine
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7


@dataclass(frozen=True, slots=True)
class IssueCreditNote:
    """The credit note of one successful refund, against the invoice of the refunded order."""

    invoice_id: UUID
    refund_id: UUID


def issue_credit_note(uow: UnitOfWork, command: IssueCreditNote) -> UUID | None:
    """Write the credit note of a refund down number it last in this transaction, and let a job render it. Returns its id.

    None when there is nothing to take back: the refund gave back what no charge had taken. Lines are those of the refund;
    each references a line of the original and never exceeds what is left of it.

    Raises:
        NotFound: `refund_not_found`; `invoice_not_found`, none of this order.
        Conflict: `refund_not_finished`; `credit_exceeds_invoice`; `invoice_superseded`, another stands in its place.

    Emits: CreditNoteIssued with the number; later, from the job: InvoiceRendered.
    Locks: the original invoice.
    Idempotent by: the refund.
    """
    refund = uow.session.get(Refund, command.refund_id)
    if refund is None:
        raise NotFound("refund_not_found")
    if refund.state not in EFFECTIVE:
        raise Conflict("refund_not_finished")
    original = lock_row(uow.session, Invoice, command.invoice_id)
    if original is None or original.kind != "invoice" or not _is_invoiced_on(uow, refund.reference, original):
        raise NotFound("invoice_not_found")
    known = uow.session.scalar(select(Invoice.id).where(Invoice.refund_id == refund.id))
    if known is not None:
        return known
    if original.superseded_at is not None:
        raise Conflict("invoice_superseded")
    lines = _lines(uow, refund, original)
    if not lines:
        return None
    note = Invoice(
        id=uuid7(),
        buyer_org_id=original.buyer_org_id,
        seller_org_id=original.seller_org_id,
        kind="credit_note",
        reference=refund.reference,
        refund_id=refund.id,
        currency=original.currency,
        net_minor=sum(line.net_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        gross_minor=sum(line.gross_minor for line in lines),
        # The refund has succeeded: what the note gives back has been paid back, or is owed no longer.
        paid_minor=0 if _was_owed(uow, refund) else sum(line.gross_minor for line in lines),
        language=original.language,
        seller=original.seller,
        buyer=original.buyer,
        order_number=original.order_number or lines[0].order_number,
        po_number=original.po_number,
        cost_centre=original.cost_centre,
        payment_reference=refund.gateway_reference or "",
        reason=refund.reason,
        remarks="",
        sandbox=original.sandbox,
        verification_code=secrets.token_urlsafe(16),
        created_at=clock.now(),
    )
    add_document(uow, note, lines, original=original)
    return note.id


def _is_invoiced_on(uow: UnitOfWork, order_id: UUID, original: Invoice) -> bool:
    """Whether it is the order's own invoice, or a consolidated one that has lines of it."""
    if original.month is None:
        return original.reference == order_id
    found = exists().where(InvoiceLine.invoice_id == original.id, InvoiceLine.order_id == order_id)
    return bool(uow.session.scalar(select(found)))


def _was_owed(uow: UnitOfWork, refund: Refund) -> bool:
    """Whether it is of a purchase on account that was not paid: no money went back."""
    attempts = select(cast(RefundAttempt.id, Text)).where(RefundAttempt.refund_id == refund.id)
    return bool(uow.session.scalar(select(exists().where(TransferCredit.idempotency_key.in_(attempts)))))


def _lines(uow: UnitOfWork, refund: Refund, original: Invoice) -> list[LineToInvoice]:
    invoiced = {
        line.reference: line
        for line in uow.session.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == original.id))
    }
    lines = []
    for reference, part in _refunded(uow, refund).items():
        line = invoiced.get(reference)
        if line is None:
            continue
        credited_net, _, credited_gross = credited_of_line(uow, original.id, reference)
        if part.gross_minor > line.gross_minor - credited_gross or part.net_minor > line.net_minor - credited_net:
            raise Conflict("credit_exceeds_invoice")
        lines.append(credited_line(line, part))
    return lines


def _refunded(uow: UnitOfWork, refund: Refund) -> dict[UUID, RefundPart]:
    """What of each order line goes back: a line that was charged in milestones was invoiced as one."""
    rows = uow.session.execute(
        select(RefundLine, Charge.reference)
        .join(Charge, Charge.id == RefundLine.charge_id)
        .where(RefundLine.refund_id == refund.id)
        .order_by(RefundLine.id)
    )
    found: dict[UUID, RefundPart] = {}
    for line, reference in rows:
        before = found.get(reference, RefundPart(0, 0, 0))
        found[reference] = RefundPart(
            before.net_minor + line.net_minor, before.tax_minor + line.tax_minor, before.gross_minor + line.gross_minor
        )
    return found


def credited_of_line(uow: UnitOfWork, original_id: UUID, reference: UUID) -> tuple[int, int, int]:
    """What of an invoice's line was credited: net, tax, gross."""
    credited = (func.coalesce(func.sum(getattr(InvoiceLine, f"{name}_minor")), 0) for name in ("net", "tax", "gross"))
    row = uow.session.execute(
        select(*credited)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(Invoice.original_invoice_id == original_id, InvoiceLine.reference == reference)
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


def credited_line(line: InvoiceLine, part: RefundPart) -> LineToInvoice:
    """The part as a line: in the original's quantity when all of it goes back, else as one lump of the amount."""
    whole = part.gross_minor == line.gross_minor
    quantity = line.quantity if whole and _has_price(part.net_minor, line.quantity) else Decimal(1)
    return LineToInvoice(
        reference=line.reference,
        name=line.name,
        quantity=quantity,
        net_minor=part.net_minor,
        tax_minor=part.tax_minor,
        gross_minor=part.gross_minor,
        tax_rate_ppm=line.tax_rate_ppm,
        tax_category=line.tax_category,
        tax_reason=line.tax_reason,
        description=line.description,
        unit=line.unit if whole else "",
        unit_code=line.unit_code if whole else "C62",
        order_id=line.order_id,
        order_number=line.order_number,
        order_details=line.order_details,
        period=(line.period_start_on, line.period_end_on) if line.period_start_on and line.period_end_on else None,
    )


def _has_price(net_minor: int, quantity: Decimal) -> bool:
    try:
        unit_price_of(net_minor, quantity)
    except Invalid:
        return False
    return True
