"""The table of a course's episodes."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from kernel.db.base import Base, CreatedAt, Id


class CourseEpisode(Base):
    """A video of the seller as one part of a course. A listing with an episode is a course.

    Who may watch is decided by `fulfillment.courses.access`; the video itself stays its organization's own, unless the
    episode is a free preview.
    """

    __tablename__ = "course_episode"
    __table_args__ = (
        UniqueConstraint("listing_id", "video_id"),
        UniqueConstraint("listing_id", "position"),
        ForeignKeyConstraint(["org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        ForeignKeyConstraint(["org_id", "video_id"], ["marketplace.video.org_id", "marketplace.video.id"]),
        CheckConstraint("position >= 1", name="position"),
        Index("ix_course_episode_org_id_listing_id", "org_id", "listing_id"),
        Index("ix_course_episode_org_id_video_id", "org_id", "video_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    video_id: Mapped[UUID]
    position: Mapped[int]
    """Its number in the course, from 1."""
    title: Mapped[str]
    title_en: Mapped[str]
    is_preview: Mapped[bool]
    """Whether whoever may see the product may watch it without a seat."""
    created_at: Mapped[CreatedAt]
