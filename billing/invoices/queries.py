"""Reads of legal documents: what one received, what one issued, and one of them with everything on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from billing.documents.en16931 import en16931_violation
from billing.documents.model import AccountingTax
from billing.documents.parties import DocumentParty
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.to_document import accounting_tax_of, load_document, party_of
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first

Side = Literal["received", "issued"]
Standing = Literal["rendering", "issued", "partly_credited", "credited"]
"""How a document stands for who reads it: not drawn yet, as issued, or credited in part or in full."""


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """A document in a list. Amounts positive; the kind says the direction."""

    id: UUID
    kind: str
    number: str | None
    state: str
    reference: UUID
    original_invoice_id: UUID | None
    buyer_org_id: UUID
    buyer_name: str
    buyer_tax_id: str
    seller_org_id: UUID
    seller_name: str
    seller_tax_id: str
    order_number: str
    po_number: str
    cost_centre: str
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    issued_on: date | None
    issued_at: datetime | None
    created_at: datetime
    has_pdf: bool
    has_xml: bool
    sandbox: bool
    corrects_invoice_id: UUID | None = None
    """The invoice in whose place it stands, with another title."""
    superseded_at: datetime | None = None
    """When another took its place."""
    month: date | None = None
    """Of a consolidated invoice: the first day of the month. `reference` is no order then; its lines say whose they are."""


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of a document."""

    position: int
    reference: UUID
    name: str
    description: str
    quantity: Decimal
    unit: str
    tax_category: str
    tax_rate_ppm: int
    tax_reason: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    order_id: UUID | None = None
    order_number: str = ""
    order_details: str = ""
    """On a consolidated document: whose line it is, and what the buyer's books call that order."""


@dataclass(frozen=True, slots=True)
class InvoiceDetail:
    """A document with its lines and parties."""

    row: InvoiceRow
    lines: tuple[LineRow, ...]
    buyer: DocumentParty
    seller: DocumentParty
    language: str
    payment_reference: str
    paid_minor: int
    reason: str
    remarks: str
    period: tuple[date, date] | None
    verification_code: str
    credit_notes: tuple[InvoiceRow, ...]
    corrects: InvoiceRow | None = None
    """In whose place it stands, with another title."""
    corrected_by: InvoiceRow | None = None
    """What stands in its place; of the credit note between the two, too."""
    accounting_tax: AccountingTax | None = None
    """The tax in the currency in which the seller accounts for it, where that is another."""
    no_xml_because: str | None = None
    """Of a document that was drawn: why EN 16931 cannot carry it, as `en16931_violation` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFilter:
    """What to list. Days are those of issue, the last excluded; `text` searches numbers, cost centre, the other side."""

    side: Side = "received"
    kind: str | None = None
    state: str | None = None
    other_org_id: UUID | None = None
    tax_id: str | None = None
    issued_from: date | None = None
    issued_before: date | None = None
    least_minor: int | None = None
    most_minor: int | None = None
    currency: str | None = None
    po_number: str | None = None
    cost_centre: str | None = None
    order_id: UUID | None = None
    text: str | None = None
    standing: Standing | None = None


def list_invoices(
    uow: UnitOfWork, wanted: InvoiceFilter, *, cursor: str | None = None, limit: int = 20
) -> Page[InvoiceRow]:
    """Documents of the acting organization, newest first."""
    statement = select(Invoice).where(*conditions_of(uow, wanted))
    rows = uow.session.scalars(newest_first(statement, Invoice.created_at, Invoice.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([to_row(row) for row in page.items], page.next_cursor)


def list_chosen(uow: UnitOfWork, invoice_ids: Sequence[UUID]) -> list[InvoiceRow]:
    """These documents in their order, each once. Raises NotFound(`invoice_not_found`): one is not to be seen."""
    rows = uow.session.scalars(select(Invoice).where(Invoice.id.in_(invoice_ids), is_visible(uow)))
    found = {row.id: to_row(row) for row in rows}
    if not found.keys() >= set(invoice_ids):
        raise NotFound("invoice_not_found")
    return [found[invoice_id] for invoice_id in dict.fromkeys(invoice_ids)]


@dataclass(frozen=True, slots=True)
class Totals:
    """How many documents there are of a currency, what they come to (gross minor units, credit notes against), and how many of
    them have no files yet.
    """

    count: int
    gross_minor: int
    pending: int


def totals_of(uow: UnitOfWork, wanted: InvoiceFilter) -> dict[str, Totals]:
    """What the filter finds, by currency."""
    signed = case((Invoice.kind == "credit_note", -Invoice.gross_minor), else_=Invoice.gross_minor)
    rows = uow.session.execute(
        select(Invoice.currency, func.count(), func.sum(signed), func.count().filter(Invoice.pdf_key.is_(None)))
        .where(*conditions_of(uow, wanted))
        .group_by(Invoice.currency)
        .order_by(Invoice.currency)
    )
    return {currency.strip(): Totals(count, int(total), pending) for currency, count, total, pending in rows}


def conditions_of(uow: UnitOfWork, wanted: InvoiceFilter) -> list[ColumnElement[bool]]:
    """What a document must be that the filter finds for the acting organization."""
    own, other = _sides(wanted.side)
    equal: tuple[tuple[InstrumentedAttribute[Any], object], ...] = (
        (Invoice.kind, wanted.kind),
        (Invoice.state, wanted.state),
        (Invoice.currency, wanted.currency),
        (Invoice.po_number, wanted.po_number),
        (Invoice.cost_centre, wanted.cost_centre),
        (other, wanted.other_org_id),
    )
    found = [own == uow.principal.organization()]
    found += [column == value for column, value in equal if value is not None]
    if wanted.order_id is not None:
        on_it = select(InvoiceLine.invoice_id).where(InvoiceLine.order_id == wanted.order_id)
        found.append(or_(Invoice.reference == wanted.order_id, Invoice.id.in_(on_it)))
    if wanted.standing is not None:
        found.append(_stands(wanted.standing))
    return found + _ranges(wanted)


def _stands(standing: Standing) -> ColumnElement[bool]:
    """`standing` of the rows, as a condition."""
    note = aliased(Invoice)
    credited = (
        select(func.coalesce(func.sum(note.gross_minor), 0))
        .where(note.original_invoice_id == Invoice.id, note.kind == "credit_note")
        .scalar_subquery()
    )
    drawn = Invoice.pdf_key.is_not(None)
    match standing:
        case "rendering":
            return ~drawn
        case "issued":
            return and_(drawn, or_(Invoice.kind == "credit_note", credited == 0))
        case "partly_credited":
            return and_(drawn, Invoice.kind != "credit_note", credited > 0, credited < Invoice.gross_minor)
        case "credited":
            return and_(drawn, Invoice.kind != "credit_note", credited > 0, credited >= Invoice.gross_minor)


def _sides(side: Side) -> tuple[InstrumentedAttribute[UUID], InstrumentedAttribute[UUID]]:
    if side == "received":
        return Invoice.buyer_org_id, Invoice.seller_org_id
    return Invoice.seller_org_id, Invoice.buyer_org_id


def _ranges(wanted: InvoiceFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.issued_from is not None:
        found.append(Invoice.issued_on >= wanted.issued_from)
    if wanted.issued_before is not None:
        found.append(Invoice.issued_on < wanted.issued_before)
    if wanted.least_minor is not None:
        found.append(Invoice.gross_minor >= wanted.least_minor)
    if wanted.most_minor is not None:
        found.append(Invoice.gross_minor <= wanted.most_minor)
    if wanted.tax_id is not None:
        found.append(
            or_(Invoice.seller["tax_id"].astext == wanted.tax_id, Invoice.buyer["tax_id"].astext == wanted.tax_id)
        )
    if wanted.text:
        other = Invoice.seller if wanted.side == "received" else Invoice.buyer
        named = (
            Invoice.number,
            Invoice.order_number,
            Invoice.po_number,
            Invoice.cost_centre,
            other["legal_name"].astext,
        )
        holds = [column.icontains(wanted.text, autoescape=True) for column in named]
        of_month = select(InvoiceLine.invoice_id).where(
            InvoiceLine.order_id.is_not(None), InvoiceLine.order_number.icontains(wanted.text, autoescape=True)
        )
        found.append(or_(*holds, and_(Invoice.month.is_not(None), Invoice.id.in_(of_month))))
    return found


def get_invoice(uow: UnitOfWork, invoice_id: UUID) -> InvoiceDetail:
    """A document that the acting organization received or issued. Raises NotFound(`invoice_not_found`)."""
    invoice = visible_invoice(uow, invoice_id)
    lines = uow.session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.position)
    )
    notes = uow.session.scalars(
        select(Invoice).where(Invoice.original_invoice_id == invoice.id).order_by(Invoice.created_at, Invoice.id)
    )
    period = None
    if invoice.period_start_on is not None and invoice.period_end_on is not None:
        period = (invoice.period_start_on, invoice.period_end_on)
    return InvoiceDetail(
        row=to_row(invoice),
        lines=tuple(LineRow(**{name: getattr(line, name) for name in LineRow.__dataclass_fields__}) for line in lines),
        buyer=party_of(invoice.buyer),
        seller=party_of(invoice.seller),
        language=invoice.language,
        payment_reference=invoice.payment_reference,
        paid_minor=invoice.paid_minor,
        reason=invoice.reason,
        remarks=invoice.remarks,
        period=period,
        verification_code=invoice.verification_code,
        credit_notes=tuple(to_row(note) for note in notes),
        corrects=_linked(uow, Invoice.id == invoice.corrects_invoice_id) if invoice.corrects_invoice_id else None,
        corrected_by=_corrected_by(uow, invoice),
        accounting_tax=accounting_tax_of(invoice.accounting_tax),
        no_xml_because=_no_xml_because(uow, invoice),
    )


def _linked(uow: UnitOfWork, condition: ColumnElement[bool]) -> InvoiceRow | None:
    found = uow.session.scalar(select(Invoice).where(condition))
    return to_row(found) if found is not None else None


def _corrected_by(uow: UnitOfWork, invoice: Invoice) -> InvoiceRow | None:
    if invoice.kind == "credit_note" and invoice.refund_id is None:
        return _linked(uow, Invoice.corrects_invoice_id == invoice.original_invoice_id)
    if invoice.superseded_at is not None:
        return _linked(uow, Invoice.corrects_invoice_id == invoice.id)
    return None


def _no_xml_because(uow: UnitOfWork, invoice: Invoice) -> str | None:
    if invoice.pdf_key is None or invoice.xml_key is not None:
        return None
    return en16931_violation(load_document(uow, invoice.id, public_url=""))


def credited_of(uow: UnitOfWork, invoice_ids: Collection[UUID]) -> dict[UUID, int]:
    """How much of each of these documents, already found visible, has been credited: gross minor units by id."""
    rows = uow.session.execute(
        select(Invoice.original_invoice_id, func.sum(Invoice.gross_minor))
        .where(Invoice.original_invoice_id.in_(list(invoice_ids)), Invoice.kind == "credit_note")
        .group_by(Invoice.original_invoice_id)
    )
    return {invoice_id: int(total) for invoice_id, total in rows if invoice_id is not None}


def standing(row: InvoiceRow, credited_minor: int) -> Standing:
    """How a document stands, for a row in hand; `_stands` says the same to the database."""
    if not row.has_pdf:
        return "rendering"
    if credited_minor and row.kind != "credit_note":
        return "credited" if credited_minor >= row.gross_minor else "partly_credited"
    return "issued"


def list_counterparties(uow: UnitOfWork) -> list[tuple[UUID, str]]:
    """Who has invoiced the acting organization: organization and legal name, by name."""
    name = Invoice.seller["legal_name"].astext
    rows = uow.session.execute(
        select(Invoice.seller_org_id, func.max(name))
        .where(Invoice.buyer_org_id == uow.principal.organization())
        .group_by(Invoice.seller_org_id)
        .order_by(func.max(name))
    )
    return [(org_id, str(legal_name)) for org_id, legal_name in rows]


def received_currencies(uow: UnitOfWork) -> list[str]:
    """Currencies of what the acting organization received."""
    own = Invoice.buyer_org_id == uow.principal.organization()
    return [
        one.strip()
        for one in uow.session.scalars(select(Invoice.currency).where(own).distinct().order_by(Invoice.currency))
    ]


def first_day(uow: UnitOfWork, side: Side = "received") -> date | None:
    """The day of the first document that the acting organization received or issued; None: there is none."""
    own = _sides(side)[0] == uow.principal.organization()
    first: date | None = uow.session.scalar(select(func.min(Invoice.issued_on)).where(own))
    return first


def to_row(invoice: Invoice) -> InvoiceRow:
    """A stored document as a list shows it."""
    return InvoiceRow(
        id=invoice.id,
        kind=invoice.kind,
        number=invoice.number,
        state=invoice.state,
        reference=invoice.reference,
        original_invoice_id=invoice.original_invoice_id,
        buyer_org_id=invoice.buyer_org_id,
        buyer_name=str(invoice.buyer["legal_name"]),
        buyer_tax_id=str(invoice.buyer.get("tax_id", "")),
        seller_org_id=invoice.seller_org_id,
        seller_name=str(invoice.seller["legal_name"]),
        seller_tax_id=str(invoice.seller.get("tax_id", "")),
        order_number=invoice.order_number,
        po_number=invoice.po_number,
        cost_centre=invoice.cost_centre,
        currency=invoice.currency,
        net_minor=invoice.net_minor,
        tax_minor=invoice.tax_minor,
        gross_minor=invoice.gross_minor,
        issued_on=invoice.issued_on,
        issued_at=invoice.issued_at,
        created_at=invoice.created_at,
        has_pdf=invoice.pdf_key is not None,
        has_xml=invoice.xml_key is not None,
        sandbox=invoice.sandbox,
        corrects_invoice_id=invoice.corrects_invoice_id,
        superseded_at=invoice.superseded_at,
        month=invoice.month,
    )


def visible_invoice(uow: UnitOfWork, invoice_id: UUID) -> Invoice:
    """A document that the acting organization may see. Raises NotFound(`invoice_not_found`)."""
    invoice = uow.session.scalar(select(Invoice).where(Invoice.id == invoice_id, is_visible(uow)))
    if invoice is None:
        raise NotFound("invoice_not_found")
    return invoice


def is_visible(uow: UnitOfWork) -> ColumnElement[bool]:
    """Whether a document is one of the acting organization's, received or issued."""
    if uow.principal.is_platform:
        return true()
    org_id = uow.principal.organization()
    return or_(Invoice.buyer_org_id == org_id, Invoice.seller_org_id == org_id)
