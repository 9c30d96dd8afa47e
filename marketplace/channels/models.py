"""Tables of channels: the public face of an organization, and who follows it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id
from kernel.db.constraints import register
from kernel.errors import Conflict


class Channel(Base):
    """A channel (视频号). Its handle is its public address."""

    __tablename__ = "channel"
    __table_args__ = (
        UniqueConstraint("handle"),
        UniqueConstraint("org_id", "id"),
        CheckConstraint("handle ~ '^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$'", name="handle"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    handle: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    bio: Mapped[str] = mapped_column(default="")
    bio_en: Mapped[str] = mapped_column(default="")
    created_at: Mapped[CreatedAt]


class Follow(Base):
    """A person, acting for an organization, follows a channel."""

    __tablename__ = "follow"
    __table_args__ = (
        UniqueConstraint("org_id", "person_id", "channel_id"),
        Index("ix_follow_person_id", "person_id"),
        Index("ix_follow_channel_id", "channel_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.channel.id"))
    created_at: Mapped[CreatedAt]


register("uq_channel_handle", lambda: Conflict("handle_taken"))
