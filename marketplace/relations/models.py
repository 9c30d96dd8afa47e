"""Who is whose customer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, Instant


class CustomerRelation(Base):
    """An organization that bought from a seller or asked it. One row for both, noted by whatever happens between them.

    Nothing stands here alone: it can be computed again from orders, requests and messages (`market verify` does).
    """

    __tablename__ = "customer"
    __table_args__ = (
        CheckConstraint("(bought_at IS NULL) = (bought_name IS NULL)", name="bought"),
        CheckConstraint("(asked_at IS NULL) = (asked_name IS NULL)", name="asked"),
        CheckConstraint("bought_at IS NOT NULL OR asked_at IS NOT NULL", name="known"),
        Index("ix_customer_seller_org_id_last_at", "seller_org_id", "last_at", "buyer_org_id"),
        Index(
            "ix_customer_seller_org_id_bought_at",
            "seller_org_id",
            "bought_at",
            "buyer_org_id",
            postgresql_where=text("bought_at IS NOT NULL"),
        ),
        Index("ix_customer_buyer_org_id", "buyer_org_id"),
        {"schema": "marketplace"},
    )
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"), primary_key=True)
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"), primary_key=True)
    last_at: Mapped[datetime]
    """When it last paid, asked, or either side wrote."""
    bought_at: Mapped[Instant | None]
    """When it last paid for an order."""
    bought_name: Mapped[str | None]
    """As it was called in that order."""
    asked_at: Mapped[Instant | None]
    """When it made its latest request."""
    asked_name: Mapped[str | None]
