"""Touchpoints: attributable events of viewers, partitioned by month, never updated; and their rollup by day."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt

KINDS = ("impression", "view", "card_click", "share", "lead", "arrival")


class Touchpoint(Base):
    """An impression, view, card click, share or lead of a video; or a view or click of what is on a live room's shelf; or an
    arrival: by a share link, at a product or a channel, or at a video before it was known whose reader came. `id` is the
    client's, so that a retry is not a second event.

    No foreign keys: thousands a second are stored, and everything named was looked up when the batch came in.
    """

    __tablename__ = "touchpoint"
    __table_args__ = (
        CheckConstraint("kind IN ('impression', 'view', 'card_click', 'share', 'lead', 'arrival')", name="kind"),
        CheckConstraint("second_ms >= 0 AND watched_ms >= 0", name="durations"),
        CheckConstraint(
            "num_nonnulls(video_id, live_session_id, listing_id, channel_id) = 1 "
            "AND (live_session_id IS NULL) = (live_item_id IS NULL)",
            name="place",
        ),
        CheckConstraint(
            "(listing_id IS NULL AND channel_id IS NULL) OR (kind = 'arrival' AND share_link_id IS NOT NULL)",
            name="link",
        ),
        CheckConstraint("live_item_id IS NULL OR kind IN ('view', 'card_click')", name="live"),
        Index("ix_touchpoint_live", "org_id", "occurred_at", postgresql_where=text("live_item_id IS NOT NULL")),
        Index("ix_touchpoint_listing", "org_id", "listing_id", postgresql_where=text("listing_id IS NOT NULL")),
        Index("ix_touchpoint_channel", "org_id", "occurred_at", postgresql_where=text("channel_id IS NOT NULL")),
        Index(
            "ix_touchpoint_link",
            "share_link_id",
            postgresql_where=text("listing_id IS NOT NULL OR channel_id IS NOT NULL"),
        ),
        Index("ix_touchpoint_org_id_video_id_occurred_at", "org_id", "video_id", "occurred_at"),
        Index("ix_touchpoint_channel_org_id_video_id_occurred_at", "channel_org_id", "video_id", "occurred_at"),
        Index("ix_touchpoint_received_at", "received_at"),
        {"schema": "marketplace", "postgresql_partition_by": "RANGE (occurred_at)"},
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    org_id: Mapped[UUID | None]
    """The viewer's organization; None for a visitor who is not signed in."""
    person_id: Mapped[UUID | None]
    anonymous_id: Mapped[str | None]
    kind: Mapped[str]
    channel_org_id: Mapped[UUID]
    """The organization whose channel posted the video, or is host of the session; whose product or channel a link opened."""
    video_id: Mapped[UUID | None]
    placement_id: Mapped[UUID | None]
    live_session_id: Mapped[UUID | None]
    """In place of a video: in whose room it was."""
    live_item_id: Mapped[UUID | None]
    """What of its shelf was explained while it was watched, or was clicked."""
    listing_id: Mapped[UUID | None]
    """In place of a video: the product that a member's link opened."""
    channel_id: Mapped[UUID | None]
    """In place of a video: the channel that a member's link opened."""
    second_ms: Mapped[int]
    """Where in the video or session, milliseconds from its start."""
    watched_ms: Mapped[int]
    """How long it was watched up to this event, in milliseconds of playing."""
    share_link_id: Mapped[UUID | None]
    sharer_org_id: Mapped[UUID | None]
    received_at: Mapped[CreatedAt]


class TouchpointDay(Base):
    """How often a video was seen, clicked and passed on, on one day: a rollup of touchpoints, which `market verify` counts again.

    One row for each card, share link and five seconds of a video that anything happened in; or, of a live session, for each
    seller of what its shelf has. `day` is one of UTC, by the instant that the viewer's player gave. What test organizations
    saw is left out. No foreign keys, as the touchpoints.
    """

    __tablename__ = "touchpoint_day"
    __table_args__ = (
        Index(
            "uq_touchpoint_day",
            *(
                "channel_org_id",
                "day",
                "video_id",
                "second",
                "placement_id",
                "share_link_id",
                "live_session_id",
                "seller_org_id",
            ),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("second >= 0 AND second % 5 = 0", name="second"),
        CheckConstraint("least(impressions, views, card_clicks, shares, leads, watched_ms) >= 0", name="counts"),
        CheckConstraint("(video_id IS NULL) = (live_session_id IS NOT NULL)", name="place"),
        CheckConstraint(
            "CASE WHEN live_session_id IS NULL THEN (placement_id IS NULL) = (seller_org_id IS NULL) "
            "ELSE placement_id IS NULL AND seller_org_id IS NOT NULL END",
            name="card",
        ),
        CheckConstraint("(share_link_id IS NULL) = (sharer_org_id IS NULL)", name="sharer"),
        Index(
            "ix_touchpoint_day_seller_org_id_day",
            *("seller_org_id", "day"),
            postgresql_where=text("seller_org_id IS NOT NULL"),
        ),
        Index("ix_touchpoint_day_channel_org_id_video_id_day", "channel_org_id", "video_id", "day"),
        {"schema": "marketplace"},
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=text("gen_random_uuid()"))
    channel_org_id: Mapped[UUID]
    day: Mapped[date]
    video_id: Mapped[UUID | None]
    live_session_id: Mapped[UUID | None]
    """In place of a video: in whose room it was."""
    second: Mapped[int]
    """Of the video or session, the first of five."""
    placement_id: Mapped[UUID | None]
    seller_org_id: Mapped[UUID | None]
    """Whose card that is, or what was explained or clicked in the room."""
    share_link_id: Mapped[UUID | None]
    sharer_org_id: Mapped[UUID | None]
    """Whose member sent the video on."""
    impressions: Mapped[int]
    views: Mapped[int]
    card_clicks: Mapped[int]
    shares: Mapped[int]
    leads: Mapped[int]
    watched_ms: Mapped[int]
    """What its views played, milliseconds."""
