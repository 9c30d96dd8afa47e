"""The links by which members send on what they see."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id


class ShareLink(Base):
    """A link that carries who sent on a video, a product or a channel, and for which organization."""

    __tablename__ = "share_link"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("org_id", "person_id", "video_id"),
        UniqueConstraint("org_id", "person_id", "listing_id"),
        UniqueConstraint("org_id", "person_id", "channel_id"),
        CheckConstraint("num_nonnulls(video_id, listing_id, channel_id) = 1", name="subject"),
        Index("ix_share_link_person_id", "person_id"),
        Index("ix_share_link_video_id", "video_id"),
        Index("ix_share_link_listing_id", "listing_id"),
        Index("ix_share_link_channel_id", "channel_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    code: Mapped[str]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    video_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.video.id"))
    listing_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.listing.id"))
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.channel.id"))
    created_at: Mapped[CreatedAt]
