"""A purchase rule: from which amounts on purchases of an organization need an approver."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, Currency, Id, Minor


class PurchaseRule(Base):
    """From which amounts on a purchase of this organization needs an approver, per currency. None: no such limit."""

    __tablename__ = "purchase_rule"
    __table_args__ = (
        UniqueConstraint("org_id", "currency"),
        CheckConstraint("max_order_minor >= 0", name="not_negative"),
        CheckConstraint("max_month_minor >= 0", name="month_not_negative"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    currency: Mapped[Currency]
    max_order_minor: Mapped[Minor | None]
    """Gross amount of one purchase above which an approver decides."""
    max_month_minor: Mapped[Minor | None]
    """Gross amount of a calendar month's purchases, of all members together, above which an approver decides."""
    self_approval: Mapped[bool]
    """Whether an approver may approve a purchase of their own."""
