"""Tables of legal documents: invoices, credit notes, commission invoices, and the series they are numbered in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor, Ppm
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges


class NumberSeries(Base):
    """The counter of one issuer, kind and year. Taken by `UPDATE … RETURNING` in the issuing job, so it has no gaps."""

    __tablename__ = "number_series"
    __table_args__ = (
        UniqueConstraint("org_id", "kind", "year", "clock_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("next_number >= 1", name="next_number"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    kind: Mapped[str]
    year: Mapped[int]
    """Calendar year where the issuer keeps its books."""
    clock_id: Mapped[UUID | None]
    """Of a test organization that lives at its own time: documents for it are numbered and dated apart from all others."""
    prefix: Mapped[str]
    next_number: Mapped[int]
    last_issued_at: Mapped[Instant | None]
    """Numbers and instants grow together: a later number never has an earlier date."""


class Invoice(Base):
    """A document as it was issued: copies of every legal field, nothing looked up again. Immutable once numbered.

    Amounts are positive for every kind; the kind says the direction.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        UniqueConstraint("series_id", "sequence"),
        CheckConstraint("kind IN ('invoice', 'credit_note', 'commission_invoice')", name="kind"),
        CheckConstraint("state IN ('queued', 'issued')", name="state"),
        CheckConstraint("(state = 'issued') = (number IS NOT NULL)", name="numbered"),
        CheckConstraint("(number IS NULL) = (sequence IS NULL)", name="sequence"),
        CheckConstraint("(kind = 'credit_note') = (original_invoice_id IS NOT NULL)", name="original"),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross"),
        CheckConstraint("gross_minor >= 0", name="positive"),
        Index(
            "uq_invoice_reference",
            "reference",
            unique=True,
            postgresql_where=text("kind <> 'credit_note' AND superseded_at IS NULL"),
        ),
        CheckConstraint("corrects_invoice_id IS NULL OR kind = 'invoice'", name="corrects"),
        CheckConstraint("superseded_at IS NULL OR kind = 'invoice'", name="superseded"),
        Index(
            "uq_invoice_corrects",
            "corrects_invoice_id",
            unique=True,
            postgresql_where=text("corrects_invoice_id IS NOT NULL"),
        ),
        Index(
            "uq_invoice_correction_note",
            "original_invoice_id",
            unique=True,
            postgresql_where=text("kind = 'credit_note' AND refund_id IS NULL"),
        ),
        CheckConstraint("accounting_tax IS NULL OR tax_minor > 0", name="accounting_tax"),
        CheckConstraint(
            "month IS NULL OR (kind <> 'commission_invoice' AND date_trunc('month', month) = month)", name="month"
        ),
        Index("ix_invoice_reference", "reference"),
        Index("uq_invoice_refund_id", "refund_id", unique=True, postgresql_where=text("refund_id IS NOT NULL")),
        Index("uq_invoice_number", "seller_org_id", "kind", "number", unique=True),
        Index("ix_invoice_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index(
            "ix_invoice_buyer_org_id_issued_at",
            "buyer_org_id",
            "issued_at",
            postgresql_where=text("issued_at IS NOT NULL"),
        ),
        Index("ix_invoice_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index(
            "ix_invoice_original_invoice_id",
            "original_invoice_id",
            postgresql_where=text("original_invoice_id IS NOT NULL"),
        ),
        Index("ix_invoice_verification_code", "verification_code"),
        Index("ix_invoice_unfinished", "created_at", postgresql_where=text("pdf_key IS NULL")),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    """The issuer: the seller for a sale, the platform for its commission."""
    kind: Mapped[str]
    reference: Mapped[UUID]
    """The order; for a commission invoice the statement; for a consolidated one what names it (`orders.unbilled_order`)."""
    month: Mapped[date | None]
    """Of a consolidated invoice, and of what takes its place: the first day of the month, where the buyer keeps its calendar."""
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.refund.id"))
    original_invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.invoice.id"))
    corrects_invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.invoice.id"))
    """The invoice in whose place it stands, with another title; that one's rest is taken back by a credit note without refund."""
    superseded_at: Mapped[Instant | None]
    """Of an invoice whose title was corrected: when. Another stands for the order since."""
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.number_series.id"))
    sequence: Mapped[int | None]
    number: Mapped[str | None]
    state: Mapped[str]
    currency: Mapped[Currency]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    paid_minor: Mapped[Minor]
    due_on: Mapped[date | None]
    """By when the rest is to be paid, of a purchase on account."""
    language: Mapped[str]
    seller: Mapped[Json]
    buyer: Mapped[Json]
    order_number: Mapped[str]
    po_number: Mapped[str]
    cost_centre: Mapped[str] = mapped_column(default="", server_default="")
    """What the buyer's books call the department whose spending it is; empty where none was named."""
    payment_reference: Mapped[str]
    reason: Mapped[str]
    """Why a credit note was issued."""
    remarks: Mapped[str]
    period_start_on: Mapped[date | None]
    period_end_on: Mapped[date | None]
    """Half-open: the first day after the period."""
    sandbox: Mapped[bool]
    verification_code: Mapped[str]
    issued_at: Mapped[Instant | None]
    issued_on: Mapped[date | None]
    """The issuer's calendar day."""
    created_at: Mapped[CreatedAt]
    pdf_key: Mapped[str | None]
    pdf_sha256: Mapped[str | None]
    xml_key: Mapped[str | None]
    xml_sha256: Mapped[str | None]
    rendered_at: Mapped[Instant | None]
    accounting_tax: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The tax in the currency in which the seller accounts for it, with the rates of its day: see `accounting_tax.py`. None
    where that is the document's own."""
    reddened_at: Mapped[Instant | None]
    """Of a credit note whose invoice stands on tax invoices (数电票): when red ones were issued. It has no number before."""


class InvoiceLine(Base):
    """One line of a document."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "invoice_id"],
            ["billing.invoice.buyer_org_id", "billing.invoice.seller_org_id", "billing.invoice.id"],
        ),
        UniqueConstraint("invoice_id", "position"),
        CheckConstraint("tax_category IN ('S', 'Z', 'E', 'AE', 'O')", name="tax_category"),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross"),
        Index("ix_invoice_line_reference", "reference"),
        Index("ix_invoice_line_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        CheckConstraint("period_end_on > period_start_on", name="period"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    invoice_id: Mapped[UUID]
    position: Mapped[int]
    reference: Mapped[UUID]
    """The order line; for a commission invoice the statement."""
    order_id: Mapped[UUID | None]
    """On a consolidated document: the order, its number, and what the buyer's books call it."""
    order_number: Mapped[str] = mapped_column(default="", server_default="")
    order_details: Mapped[str] = mapped_column(default="", server_default="")
    period_start_on: Mapped[date | None]
    period_end_on: Mapped[date | None]
    """On a consolidated document: what the line was paid for; half-open. Else the document says it."""
    name: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric(20, 6))
    unit: Mapped[str]
    unit_code: Mapped[str]
    tax_category: Mapped[str]
    tax_rate_ppm: Mapped[Ppm]
    tax_reason: Mapped[str]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    currency: Mapped[Currency]


class FapiaoSource(Base):
    """A bill that was put on tax invoices (数电票), once, and as much of it as was left then."""

    __tablename__ = "fapiao_source"
    __table_args__ = (
        UniqueConstraint("invoice_id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "invoice_id"],
            ["billing.invoice.buyer_org_id", "billing.invoice.seller_org_id", "billing.invoice.id"],
        ),
        CheckConstraint("gross_minor > 0", name="gross"),
        Index("ix_fapiao_source_request_id", "request_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    invoice_id: Mapped[UUID]
    request_id: Mapped[UUID]
    gross_minor: Mapped[Minor]
    currency: Mapped[Currency]
    created_at: Mapped[CreatedAt]


register("uq_fapiao_source_invoice_id", lambda: Conflict("fapiao_requested_already"))
register("uq_invoice_corrects", lambda: Conflict("invoice_superseded"))
register("uq_invoice_correction_note", lambda: Conflict("invoice_superseded"))
register("uq_invoice_reference", lambda: Conflict("invoice_exists"))
register("uq_invoice_refund_id", lambda: Conflict("credit_note_exists"))


INVOICE = Machine("invoice", initial="queued issued", edges=edges(queued="issued", issued=""))
