"""Delivered orders that come on their month's invoice (月度合并开票), and what became of each."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from orders.order.sides import of_both


class UnbilledOrder(Base):
    """A delivered and paid order whose invoice comes with its month's. What is settled stays, and says on which it came."""

    __tablename__ = "unbilled_order"
    __table_args__ = (
        UniqueConstraint("order_id"),
        UniqueConstraint("buyer_org_id", "id"),
        of_both("order_id", "orders.order"),
        ForeignKeyConstraint(
            ["buyer_org_id", "reference"], ["orders.unbilled_order.buyer_org_id", "orders.unbilled_order.id"]
        ),
        ForeignKeyConstraint(
            ["buyer_org_id", "billing_profile_id"],
            ["marketplace.billing_profile.org_id", "marketplace.billing_profile.id"],
        ),
        CheckConstraint("selling_model IN ('agency', 'reseller')", name="selling_model"),
        CheckConstraint("date_trunc('month', month) = month", name="month"),
        CheckConstraint("period_end_on > period_start_on", name="period"),
        CheckConstraint("reference IS NULL OR settled_at IS NOT NULL", name="settled"),
        Index("ix_unbilled_order_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index("ix_unbilled_order_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_unbilled_order_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
        Index("ix_unbilled_order_due_at", "due_at", postgresql_where=text("settled_at IS NULL")),
        Index("ix_unbilled_order_billing_profile_id", "billing_profile_id", "month"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    order_id: Mapped[UUID]
    selling_model: Mapped[str] = mapped_column(default="agency", server_default="agency")
    """Who invoices it, as its lines say: its seller, or the platform, on one document with what it sold of other sellers."""
    billing_profile_id: Mapped[UUID]
    """The title that chose one invoice a month when the order was delivered; what is chosen later changes nothing here."""
    currency: Mapped[Currency]
    month: Mapped[date]
    """In which it was delivered, where the buyer keeps its calendar: the first day."""
    due_at: Mapped[Instant]
    """From when on it is invoiced: the month is over, and so is whatever was being delivered as it ended."""
    period_start_on: Mapped[date | None]
    period_end_on: Mapped[date | None]
    """What it was paid for, where the seller keeps its books; half-open."""
    settled_at: Mapped[Instant | None]
    """When its month was invoiced."""
    reference: Mapped[UUID | None]
    """What its invoice is referenced by: the first of the orders on it. None of a settled one: all of it had gone back."""
    deducted: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default=text("'{}'"))
    """The refunds that were taken off before it was invoiced: no credit note is ever written for them."""
    created_at: Mapped[CreatedAt]

    @property
    def state(self) -> str:
        """How it stands, for whoever reads it: `to_be_invoiced`, `invoiced`, or `nothing_left` of it to be invoiced."""
        if self.settled_at is None:
            return "to_be_invoiced"
        return "invoiced" if self.reference is not None else "nothing_left"


register("uq_unbilled_order_order_id", lambda: Conflict("invoice_exists"))
