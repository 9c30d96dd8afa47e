"""Tables of what a video sells: cards from second A to second B, and what is promised in it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant

_VIDEO = ["marketplace.video.org_id", "marketplace.video.id"]
_PLAN = ["marketplace.plan.org_id", "marketplace.plan.id"]
_LISTING = ["marketplace.listing.org_id", "marketplace.listing.id"]


class Placement(Base):
    """A listing's card on a video. `org_id` is the video's organization, `seller_org_id` the listing's."""

    __tablename__ = "placement"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        ForeignKeyConstraint(["org_id", "video_id"], _VIDEO),
        ForeignKeyConstraint(["seller_org_id", "listing_id"], _LISTING),
        ForeignKeyConstraint(["seller_org_id", "plan_id"], _PLAN),
        CheckConstraint("action IN ('buy', 'trial', 'demo', 'quote', 'consult')", name="action"),
        CheckConstraint("start_ms >= 0 AND end_ms > start_ms", name="range"),
        Index("ix_placement_org_id_video_id", "org_id", "video_id", "start_ms"),
        # Without an order: with one, the latest cards of a listing would at times be looked for among those of all.
        Index("ix_placement_video_id", "video_id", postgresql_using="hash"),
        Index("ix_placement_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        Index("ix_placement_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        Index("ix_placement_listing_id_video_id", "listing_id", "video_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    video_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    plan_id: Mapped[UUID]
    start_ms: Mapped[int]
    end_ms: Mapped[int]
    action: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    removed_at: Mapped[Instant | None]
    """A removed card stays as a row: touchpoints and orders name it."""
    created_at: Mapped[CreatedAt]


class Claim(Base):
    """Something promised in a video at a second, entered so that it can be held against the plan."""

    __tablename__ = "claim"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        ForeignKeyConstraint(["org_id", "video_id"], _VIDEO),
        ForeignKeyConstraint(["org_id", "placement_id"], ["marketplace.placement.org_id", "marketplace.placement.id"]),
        CheckConstraint("kind IN ('price', 'included_seats', 'trial_days', 'feature', 'service_level')", name="kind"),
        CheckConstraint("at_ms >= 0", name="at"),
        CheckConstraint("(kind = 'price') = (currency IS NOT NULL)", name="currency"),
        Index("ix_claim_org_id_video_id", "org_id", "video_id", "at_ms"),
        Index("ix_claim_org_id_placement_id", "org_id", "placement_id"),
        Index("ix_claim_video_id", "video_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    video_id: Mapped[UUID]
    placement_id: Mapped[UUID]
    kind: Mapped[str]
    at_ms: Mapped[int]
    value_int: Mapped[int | None]
    """price: minor units of `currency` for one `unit`; included_seats: seats; trial_days: days; else the figure."""
    value_text: Mapped[str | None]
    """feature, service_level: the key among the plan's features."""
    currency: Mapped[str | None] = mapped_column(CHAR(3))
    unit: Mapped[str | None]
    """What a price is for: seat/year, seat/quarter, seat/month, year, quarter, month, once."""
    text: Mapped[str]
    text_en: Mapped[str]
    removed_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]
