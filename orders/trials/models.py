"""A trial: what an organization tries of a listing before it pays, once; and what it costs afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant, Json
from kernel.errors import Conflict


class Trial(Base):
    """Taken when its order is placed, and kept for good: an organization tries a listing once."""

    __tablename__ = "trial"
    __table_args__ = (
        UniqueConstraint("order_line_id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_line_id"],
            ["orders.order_line.buyer_org_id", "orders.order_line.seller_org_id", "orders.order_line.id"],
        ),
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        CheckConstraint("days BETWEEN 1 AND 90", name="days"),
        CheckConstraint("extended_days BETWEEN 1 AND days", name="extended_days"),
        Index(
            "uq_trial_begun", "buyer_org_id", "listing_id", unique=True, postgresql_where=text("released_at IS NULL")
        ),
        Index("ix_trial_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    order_line_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    days: Mapped[int]
    """As its plan said when it was placed."""
    converts: Mapped[bool]
    """Whether it began with a payment method and is paid for by itself when it ends."""
    full_line: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What the term after it costs, as told: `orders.checkout.priced_line.PricedLine`."""
    invoice_party: Mapped[Json]
    """For whom that was priced: `orders.checkout.priced_line.InvoiceParty`."""
    extended_days: Mapped[int | None]
    """What its seller has added, once."""
    released_at: Mapped[Instant | None]
    """When its order came to nothing before it began: then it was none."""
    created_at: Mapped[CreatedAt]


constraints.register("uq_trial_begun", lambda: Conflict("trial_used"))
