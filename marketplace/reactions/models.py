"""Tables of what viewers do with a video besides watching it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id


class VideoLike(Base):
    """A person, acting for an organization, likes a video. Others learn how many do, never who."""

    __tablename__ = "video_like"
    __table_args__ = (
        UniqueConstraint("org_id", "person_id", "video_id"),
        Index("ix_video_like_person_id", "person_id"),
        Index("ix_video_like_video_id", "video_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    video_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.video.id"))
    created_at: Mapped[CreatedAt]
