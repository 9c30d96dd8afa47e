"""Tables of Chinese tax invoices (数电票): what was asked for, the documents with their lines, and how they are taken back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor, Ppm
from kernel.states import Machine, edges

ORIGINAL = ("buyer_org_id", "seller_org_id")


class FapiaoRequest(Base):
    """A buyer asks for the tax invoices of one bill or several (开票申请). Parties are copies of what the bills say."""

    __tablename__ = "fapiao_request"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        CheckConstraint("kind IN ('ordinary', 'special')", name="kind"),
        CheckConstraint("state IN ('requested', 'queued', 'issued', 'failed')", name="state"),
        CheckConstraint("(state = 'failed') = (failure_code IS NOT NULL)", name="failure"),
        CheckConstraint("net_minor + tax_minor = gross_minor AND gross_minor > 0", name="gross"),
        Index("ix_fapiao_request_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index("ix_fapiao_request_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_fapiao_request_unfinished", "created_at", postgresql_where=text("state IN ('requested', 'queued')")),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    state: Mapped[str]
    kind: Mapped[str]
    """专用发票, whose buyer may deduct the tax, or 普通发票."""
    buyer: Mapped[Json]
    seller: Mapped[Json]
    currency: Mapped[Currency]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    remarks: Mapped[str]
    issuer: Mapped[str]
    """Which issuer it was asked of."""
    sandbox: Mapped[bool]
    """Numbered by a sandbox: no tax document."""
    failure_code: Mapped[str | None]
    attempts: Mapped[int]
    """How often it was handed to the issuer."""
    created_at: Mapped[CreatedAt]
    concluded_at: Mapped[Instant | None]


class Fapiao(Base):
    """One 数电票, blue or red. It is one when it has its number; amounts are positive, its direction says which way."""

    __tablename__ = "fapiao"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        UniqueConstraint("request_id", "position"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "request_id"],
            [f"billing.fapiao_request.{name}" for name in (*ORIGINAL, "id")],
        ),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "original_id"], [f"billing.fapiao.{name}" for name in (*ORIGINAL, "id")]
        ),
        CheckConstraint("direction IN ('blue', 'red')", name="direction"),
        CheckConstraint("(direction = 'red') = (original_id IS NOT NULL)", name="original"),
        CheckConstraint("number ~ '^[0-9]{20}$'", name="number"),
        CheckConstraint(
            "(number IS NULL) = (issued_at IS NULL) AND (number IS NULL) = (issued_on IS NULL) "
            "AND (number IS NULL) = (pdf_key IS NULL)",
            name="issued",
        ),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross"),
        Index("uq_fapiao_number", "number", unique=True),
        Index("ix_fapiao_original_id", "original_id", postgresql_where=text("original_id IS NOT NULL")),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    request_id: Mapped[UUID]
    position: Mapped[int]
    direction: Mapped[str]
    original_id: Mapped[UUID | None]
    """Of a red one: what it takes back."""
    number: Mapped[str | None] = mapped_column(CHAR(20))
    currency: Mapped[Currency]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    issued_at: Mapped[Instant | None]
    issued_on: Mapped[date | None]
    """The authority's calendar day, in China."""
    used_at: Mapped[Instant | None]
    """When its buyer said that it was booked or its tax deducted (用途确认、入账): to take it back needs their word then."""
    pdf_key: Mapped[str | None]
    pdf_sha256: Mapped[str | None]
    xml_key: Mapped[str | None]
    xml_sha256: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class FapiaoLine(Base):
    """One line of a 数电票: of a bill's line all, or a part."""

    __tablename__ = "fapiao_line"
    __table_args__ = (
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "fapiao_id"], [f"billing.fapiao.{name}" for name in (*ORIGINAL, "id")]
        ),
        UniqueConstraint("fapiao_id", "position"),
        CheckConstraint("tax_category IN ('S', 'Z', 'E', 'O')", name="tax_category"),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross"),
        Index("ix_fapiao_line_invoice_line_id", "invoice_line_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    fapiao_id: Mapped[UUID]
    position: Mapped[int]
    invoice_line_id: Mapped[UUID] = mapped_column(ForeignKey("billing.invoice_line.id"))
    name: Mapped[str]
    unit: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric(20, 6))
    tax_category: Mapped[str]
    tax_rate_ppm: Mapped[Ppm]
    tax_reason: Mapped[str]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    currency: Mapped[Currency]


class RedLetter(Base):
    """A 红字发票信息确认单: by it a 数电票 or a part of it is taken back, before a refund or for a credit note.
    Confirmed within 72 hours, or void.

    Source of its states and deadline: 国家税务总局公告2024年第11号; the administration's own codes stand in `OFFICIAL`.
    """

    __tablename__ = "red_letter"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "fapiao_id"], [f"billing.fapiao.{name}" for name in (*ORIGINAL, "id")]
        ),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "red_id"], [f"billing.fapiao.{name}" for name in (*ORIGINAL, "id")]
        ),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "note_id"],
            ["billing.invoice.buyer_org_id", "billing.invoice.seller_org_id", "billing.invoice.id"],
        ),
        CheckConstraint("note_id IS NOT NULL OR refund_id IS NOT NULL", name="cause"),
        CheckConstraint(
            "state IN ('unneeded', 'awaiting_buyer', 'awaiting_seller', 'confirmed', 'denied_by_buyer', "
            "'denied_by_seller', 'expired', 'withdrawn', 'revoked')",
            name="state",
        ),
        CheckConstraint("reason IN ('mistake', 'returned', 'ended', 'allowance')", name="reason"),
        CheckConstraint("number ~ '^[0-9]{20}$'", name="number"),
        CheckConstraint("state NOT IN ('awaiting_buyer', 'awaiting_seller') OR expires_at IS NOT NULL", name="expiry"),
        Index("uq_red_letter_number", "number", unique=True),
        Index("uq_red_letter_red_id", "red_id", unique=True),
        Index("ix_red_letter_fapiao_id", "fapiao_id"),
        Index("ix_red_letter_note_id", "note_id"),
        Index("ix_red_letter_refund_id", "refund_id", postgresql_where=text("refund_id IS NOT NULL")),
        Index("ix_red_letter_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index("ix_red_letter_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index(
            "ix_red_letter_expires_at",
            "expires_at",
            postgresql_where=text("state IN ('awaiting_buyer', 'awaiting_seller')"),
        ),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    fapiao_id: Mapped[UUID]
    """The blue one that is taken back."""
    red_id: Mapped[UUID]
    """The red one that is issued by it."""
    note_id: Mapped[UUID | None]
    """The credit note that it is for; of a refund that waits for it none is written yet."""
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing.refund.id"))
    """The refund that waits, or waited, for it: of the listing's seller, also where the platform issued the document."""
    state: Mapped[str]
    number: Mapped[str | None] = mapped_column(CHAR(20))
    """确认单编号, as the issuer filed it."""
    reason: Mapped[str]
    currency: Mapped[Currency]
    gross_minor: Mapped[Minor]
    expires_at: Mapped[Instant | None]
    issuing_at: Mapped[Instant | None]
    """From here on it cannot be revoked: the issuer has been asked for the red one."""
    failure_code: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    concluded_at: Mapped[Instant | None]


OFFICIAL: Final = {
    "unneeded": "01",
    "awaiting_buyer": "02",
    "awaiting_seller": "03",
    "confirmed": "04",
    "denied_by_buyer": "05",
    "denied_by_seller": "06",
    "expired": "07",
    "withdrawn": "08",
    "revoked": "09",
}
"""The tax administration's codes: 无需确认, 销方录入待购方确认, 购方录入待销方确认, 购销双方已确认,
作废（购方否认）, 作废（销方否认）, 作废（超72小时未确认）, 发起方已撤销, 作废（确认后撤销）."""
WAITING: Final = ("awaiting_buyer", "awaiting_seller")
EFFECTIVE: Final = ("unneeded", "confirmed")
"""By these the red one is issued."""
LIVE: Final = (*WAITING, *EFFECTIVE)
"""What they take back is bespoken."""
REFUND_OVER: Final = "refund_over"
"""Why a letter was taken back by itself: the refund that it was for waits no more."""

FAPIAO_REQUEST = Machine(
    "fapiao_request",
    initial="requested",
    edges=edges(requested="queued", queued="issued failed", failed="requested", issued=""),
)
RED_LETTER = Machine(
    "red_letter",
    initial="unneeded awaiting_buyer awaiting_seller",
    edges=edges(
        unneeded="revoked",
        awaiting_buyer="confirmed denied_by_buyer expired withdrawn",
        awaiting_seller="confirmed denied_by_seller expired withdrawn",
        confirmed="revoked",
        denied_by_buyer="",
        denied_by_seller="",
        expired="",
        withdrawn="",
        revoked="",
    ),
)
