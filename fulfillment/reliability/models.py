"""What the deliveries of each listing come to, and when they kept it from new buyers."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges


class ListingReliability(Base):
    """Of the deliveries of a listing that ended in the 30 days before `counted_until`. A rollup: `market verify` counts again.

    `median_s` and `p95_s`: seconds from the beginning of a delivery (its payment, or the order of what is paid later) until it
    could be used, of those that succeeded. Buyers are shown `marketplace.listing.reliability`, and nothing of few deliveries.
    """

    __tablename__ = "listing_reliability"
    __table_args__ = (
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        CheckConstraint("succeeded BETWEEN 0 AND counted", name="counted"),
        CheckConstraint("(succeeded > 0) = (median_s IS NOT NULL AND p95_s IS NOT NULL)", name="timed"),
        CheckConstraint("0 <= median_s AND median_s <= p95_s", name="times"),
        Index("ix_listing_reliability_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        {"schema": "fulfillment"},
    )
    listing_id: Mapped[UUID] = mapped_column(primary_key=True)
    seller_org_id: Mapped[UUID]
    counted: Mapped[int] = mapped_column(BigInteger)
    succeeded: Mapped[int] = mapped_column(BigInteger)
    median_s: Mapped[int | None] = mapped_column(BigInteger)
    p95_s: Mapped[int | None] = mapped_column(BigInteger)
    counted_until: Mapped[Instant]


class ListingPause(Base):
    """A time in which failed deliveries kept a listing from new buyers. Those of before its end count for no further one.

    `rule`: `in_row`, the latest all failed; `share`, too many of a week's did. `failed` of `counted` are what it was decided by.
    """

    __tablename__ = "listing_pause"
    __table_args__ = (
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        CheckConstraint("state IN ('paused', 'released')", name="state"),
        CheckConstraint("rule IN ('in_row', 'share')", name="rule"),
        CheckConstraint("failed BETWEEN 1 AND counted", name="failed"),
        CheckConstraint("released_by IN ('confirmed', 'replayed', 'operator')", name="released_by"),
        CheckConstraint(
            "(state = 'released') = (released_at IS NOT NULL) AND (state = 'released') = (released_by IS NOT NULL)",
            name="released",
        ),
        Index("ix_listing_pause_seller_org_id_listing_id", "seller_org_id", "listing_id", "created_at"),
        Index("ix_listing_pause_listing_id_released_at", "listing_id", "released_at"),
        Index("uq_listing_pause_open", "listing_id", unique=True, postgresql_where=text("state = 'paused'")),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    state: Mapped[str]
    rule: Mapped[str]
    failed: Mapped[int] = mapped_column(BigInteger)
    counted: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    released_at: Mapped[Instant | None]
    released_by: Mapped[str | None]


LISTING_PAUSE = Machine("listing_pause", initial="paused", edges=edges(paused="released", released=""))
"""Released by the seller's confirmation after a passed test, by a run that was replayed and succeeded, or by the platform."""
