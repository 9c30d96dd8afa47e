"""Tables of what viewers do with a video besides watching it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id
from kernel.states import Machine, edges


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


class Comment(Base):
    """What a person wrote below a video: plain text, with the names they had then. `channel_org_id` moderates it."""

    __tablename__ = "comment"
    __table_args__ = (
        ForeignKeyConstraint(["channel_org_id", "video_id"], ["marketplace.video.org_id", "marketplace.video.id"]),
        CheckConstraint("state IN ('shown', 'hidden', 'removed')", name="state"),
        Index("ix_comment_org_id_person_id_created_at", "org_id", "person_id", "created_at"),
        Index("ix_comment_person_id", "person_id"),
        Index("ix_comment_channel_org_id_video_id", "channel_org_id", "video_id"),
        Index("ix_comment_video_id_created_at", "video_id", "created_at", "id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    video_id: Mapped[UUID]
    channel_org_id: Mapped[UUID]
    person_name: Mapped[str]
    org_name: Mapped[str]
    body: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[CreatedAt]


COMMENT = Machine(
    "marketplace.comment", initial="shown", edges=edges(shown="hidden removed", hidden="shown removed", removed="")
)
"""Hidden by the channel, which may show it again; removed by its writer or the platform, for good."""
