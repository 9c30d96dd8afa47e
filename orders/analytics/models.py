"""Sales by day: a rollup of orders and what became of them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, Currency, Minor


class SalesDay(Base):
    """What was ordered of a seller on one day of UTC and has been paid, and what has become of it since. A rollup of facts
    that goes on changing with them; `market verify` counts again. What test organizations buy is left out.

    One row for each product, currency, and where it was sold: video, card, five seconds of it, live session, promoter, tier.
    What a subscription goes on costing counts to where its first line was sold, on the day of its own order.
    """

    __tablename__ = "sales_day"
    __table_args__ = (
        CheckConstraint("least(activated, retained, renewed, refunded, trials) >= 0", name="counts"),
        CheckConstraint("greatest(activated, retained, renewed, refunded, trials) <= orders", name="of_orders"),
        CheckConstraint("renewals >= 0 AND active_s >= 0", name="not_negative"),
        CheckConstraint("net_minor <= gross_minor AND refunded_minor <= gross_minor", name="amounts"),
        Index("ix_sales_day_seller_org_id_day", "seller_org_id", "day"),
        *(
            Index(f"ix_sales_day_{name}", name, postgresql_where=text(f"{name} IS NOT NULL"))
            for name in ("promoter_org_id",)
        ),
        {"schema": "orders"},
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=text("gen_random_uuid()"))
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    day: Mapped[date]
    listing_id: Mapped[UUID]
    video_id: Mapped[UUID | None]
    placement_id: Mapped[UUID | None]
    second: Mapped[int | None]
    """Of the video, the first of five."""
    live_session_id: Mapped[UUID | None]
    promoter_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    tier_id: Mapped[UUID | None]
    """At whose partners' price it was sold."""
    currency: Mapped[Currency]
    orders: Mapped[int]
    """Lines that begin something; an order of two products counts twice."""
    trials: Mapped[int]
    activated: Mapped[int]
    retained: Mapped[int]
    renewed: Mapped[int]
    refunded: Mapped[int]
    renewals: Mapped[int]
    """Further terms that were paid; of no new sale."""
    active_s: Mapped[int]
    """From order to use, seconds, of all that were activated."""
    gross_minor: Mapped[Minor]
    """Charged, as the ledger has it, renewals, changes and usage included."""
    net_minor: Mapped[Minor]
    refunded_minor: Mapped[Minor]
    """Of the gross, given back."""
