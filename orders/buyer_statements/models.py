"""A buyer's month, closed: what was ordered, paid, refunded and invoiced in it, and what was open at its end. Never changed."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id
from kernel.db.constraints import register
from kernel.errors import Conflict


class BuyerStatement(Base):
    """One statement of one month. Each names the hash of the organization's statement before it, and is signed."""

    __tablename__ = "buyer_statement"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "month"),
        UniqueConstraint("buyer_org_id", "previous_hash"),
        UniqueConstraint("verification_code"),
        CheckConstraint("date_trunc('month', month) = month", name="month"),
        CheckConstraint("content_sha256 ~ '^[0-9a-f]{64}$'", name="content_sha256"),
        CheckConstraint("hash ~ '^[0-9a-f]{64}$'", name="hash"),
        Index("ix_buyer_statement_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index("ix_buyer_statement_closed_by", "closed_by"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    month: Mapped[date]
    """The first day of the month, where the buyer keeps its calendar."""
    number: Mapped[str]
    content: Mapped[str]
    """The statement as JSON, every byte of which is hashed."""
    content_sha256: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]
    """SHA-256 of the previous statement's hash and the content's, one after the other, as hexadecimal digits."""
    signature: Mapped[str]
    """The platform's over number, month and hash."""
    verification_code: Mapped[str]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]


register("uq_buyer_statement_buyer_org_id_month", lambda: Conflict("buyer_statement_changed"))
register("uq_buyer_statement_buyer_org_id_previous_hash", lambda: Conflict("buyer_statement_changed"))
