"""Exchange rates as a central bank published them: by them the tax of a foreign-currency invoice is said in national money."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id


class ReferenceRate(Base):
    """One unit of `base` was worth `rate` units of `quote` on a day. What was issued keeps its own copy."""

    __tablename__ = "reference_rate"
    __table_args__ = (
        UniqueConstraint("source", "base", "quote", "rate_on"),
        CheckConstraint("rate > 0", name="rate"),
        CheckConstraint("base <> quote", name="pair"),
        CheckConstraint("source ~ '^[A-Z0-9]{2,12}$'", name="source"),
        Index("ix_reference_rate_pair", "base", "quote", "rate_on"),
        Index("ix_reference_rate_created_at", "created_at", "id"),
        Index("ix_reference_rate_imported_by", "imported_by"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    source: Mapped[str]
    """Who published it, in capitals: ECB, PBOC, NBP."""
    base: Mapped[Currency]
    quote: Mapped[Currency]
    rate_on: Mapped[date]
    rate: Mapped[Decimal] = mapped_column(Numeric(24, 12))
    imported_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """None: by the command of whoever runs the installation."""
    created_at: Mapped[CreatedAt]
