"""Coupons: what a seller takes off its prices for whoever names a code, or for everybody in a window; and each use of one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel import clock
from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor, Ppm
from kernel.errors import Conflict


class Coupon(Base):
    """A share or an amount off. Without a code it is a promotion: it needs not be named, and everybody may see it.

    What it says never changes; a seller ends it and makes another.
    """

    __tablename__ = "coupon"
    __table_args__ = (
        UniqueConstraint("seller_org_id", "id"),
        CheckConstraint("(percent_ppm IS NULL) <> (amount_minor IS NULL)", name="share_or_amount"),
        CheckConstraint("percent_ppm BETWEEN 1 AND 1000000", name="percent"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="currency"),
        CheckConstraint("coalesce(most_uses, 1) >= 1 AND coalesce(most_per_org, 1) >= 1", name="limits"),
        CheckConstraint("starts_at < ends_at", name="window"),
        CheckConstraint("live_session_id IS NULL OR code IS NULL", name="live"),
        CheckConstraint("circle_id IS NULL OR (code IS NULL AND live_session_id IS NULL)", name="circle"),
        Index("ix_coupon_circle_id", "circle_id", "created_at", "id", postgresql_where=text("circle_id IS NOT NULL")),
        Index("uq_coupon_code", "seller_org_id", "code", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_coupon_promotion", "seller_org_id", "ends_at", postgresql_where=text("code IS NULL")),
        Index("ix_coupon_seller_org_id_created_at", "seller_org_id", "created_at"),
        Index("ix_coupon_made_by", "made_by"),
        Index("ix_coupon_live_session_id", "live_session_id", postgresql_where=text("live_session_id IS NOT NULL")),
        Index("ix_coupon_end_to_tell", "ends_at", postgresql_where=text("ended_at IS NULL AND end_told_at IS NULL")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    code: Mapped[str | None]
    """In capitals."""
    name: Mapped[str]
    percent_ppm: Mapped[Ppm | None]
    """Off each line that it covers."""
    amount_minor: Mapped[Minor | None]
    """Off all the lines of an order that it covers, together; with the tax where their prices contain it."""
    currency: Mapped[Currency | None]
    listing_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """What it covers; empty: everything that the seller has on sale."""
    plan_codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Of these the plans; empty: all of them. By code, which stays from version to version."""
    named_buyers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    """Who may use it; empty: everybody."""
    most_uses: Mapped[int | None]
    """Orders in all; None: any number."""
    most_per_org: Mapped[int | None]
    with_offers: Mapped[bool]
    """Whether it is taken off the price of an offer, too."""
    every_term: Mapped[bool]
    """Whether it comes off each renewal of what was bought with it, too; else off the first term alone."""
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    """When its seller ended it."""
    end_told_at: Mapped[Instant | None]
    """When its seller was told that its last day is near."""
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Whoever made it, or made the key that did."""
    live_session_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.live_session.id"))
    """In whose room alone it holds, while that runs (`orders.coupons.live_price`)."""
    circle_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.circle.org_id"), default=None)
    """For whose members alone it holds, while they buy through it (`orders.coupons.circle_offers`)."""
    created_at: Mapped[CreatedAt]

    def is_running(self) -> bool:
        """Whether it holds now, as far as its window says."""
        return self.ended_at is None and self.starts_at <= clock.now() < self.ends_at


class CouponUse(Base):
    """A coupon taken by an order, from its placement on; given back when the order ends unpaid."""

    __tablename__ = "coupon_use"
    __table_args__ = (
        UniqueConstraint("order_id", "coupon_id"),
        ForeignKeyConstraint(["seller_org_id", "coupon_id"], ["orders.coupon.seller_org_id", "orders.coupon.id"]),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "order_id"],
            ["orders.order.buyer_org_id", "orders.order.seller_org_id", "orders.order.id"],
        ),
        CheckConstraint("discount_minor > 0", name="discount"),
        Index("ix_coupon_use_held", "coupon_id", "buyer_org_id", postgresql_where=text("released_at IS NULL")),
        Index("ix_coupon_use_coupon", "seller_org_id", "coupon_id"),
        Index("ix_coupon_use_order", "buyer_org_id", "seller_org_id", "order_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    coupon_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    order_id: Mapped[UUID]
    discount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    released_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


constraints.register("uq_coupon_code", lambda: Conflict("coupon_code_taken"))
