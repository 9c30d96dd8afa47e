"""Touchpoints: attributable events of viewers, partitioned by month, never updated."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt

KINDS = ("impression", "view", "card_click", "share", "lead", "arrival")


class Touchpoint(Base):
    """An impression, view, card click, share or lead; or an arrival: by a share link, before it was known whose reader came.
    `id` is the client's, so that a retry is not a second event.

    No foreign keys: thousands a second are stored, and everything named was looked up when the batch came in.
    """

    __tablename__ = "touchpoint"
    __table_args__ = (
        CheckConstraint("kind IN ('impression', 'view', 'card_click', 'share', 'lead', 'arrival')", name="kind"),
        CheckConstraint("second_ms >= 0 AND watched_ms >= 0", name="durations"),
        Index("ix_touchpoint_org_id_video_id_occurred_at", "org_id", "video_id", "occurred_at"),
        Index("ix_touchpoint_channel_org_id_video_id_occurred_at", "channel_org_id", "video_id", "occurred_at"),
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
    """The organization whose channel posted the video."""
    video_id: Mapped[UUID]
    placement_id: Mapped[UUID | None]
    second_ms: Mapped[int]
    """Where in the video, milliseconds from its start."""
    watched_ms: Mapped[int]
    """How long it was watched up to this event, in milliseconds of playing."""
    share_link_id: Mapped[UUID | None]
    sharer_org_id: Mapped[UUID | None]
    received_at: Mapped[CreatedAt]
