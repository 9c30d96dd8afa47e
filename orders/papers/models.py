"""Papers of a buyer that are no invoices: receipts, pro-forma invoices, statements of months. Drawn when asked for."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant


class SalePaper(Base):
    """One paper in one language. What is stored is never drawn again."""

    __tablename__ = "sale_paper"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "language"),
        CheckConstraint("kind IN ('receipt', 'quote_pro_forma', 'purchase_pro_forma', 'buyer_statement')", name="kind"),
        CheckConstraint("language IN ('zh-CN', 'en', 'bilingual')", name="language"),
        CheckConstraint("(file_key IS NULL) = (drawn_at IS NULL)", name="drawn"),
        CheckConstraint("(file_key IS NULL) = (file_sha256 IS NULL)", name="digest"),
        Index("ix_sale_paper_buyer_org_id_created_at", "buyer_org_id", "created_at"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    """The payment of a receipt; the quote or the purchase of a pro-forma invoice; the statement of a month."""
    language: Mapped[str]
    number: Mapped[str]
    file_key: Mapped[str | None]
    file_sha256: Mapped[str | None]
    drawn_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]
