"""Tables of internal training: which videos whom an organization wants to watch until when, and what was really watched."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant

_TRAINING = ["marketplace.training.org_id", "marketplace.training.id"]


class Training(Base):
    """Videos that members of an organization are to watch by a day of its calendar."""

    __tablename__ = "training"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        Index("ix_training_org_id_created_at", "org_id", "created_at", "id"),
        Index("ix_training_created_by", "created_by"),
        Index("ix_training_open", "due_on", "id", postgresql_where=text("ended_at IS NULL")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    title: Mapped[str]
    title_en: Mapped[str]
    due_on: Mapped[date]
    """The last day."""
    created_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    reminded_days: Mapped[int | None]
    """So many days before the last one who is not done was reminded last; None: not yet for this day."""
    ended_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class TrainingVideo(Base):
    """One of its videos: the organization's own, or one that it may watch."""

    __tablename__ = "training_video"
    __table_args__ = (
        UniqueConstraint("training_id", "video_id"),
        ForeignKeyConstraint(["org_id", "training_id"], _TRAINING),
        Index("ix_training_video_org_id_training_id", "org_id", "training_id", "number"),
        Index("ix_training_video_video_id", "video_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    training_id: Mapped[UUID]
    video_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.video.id"))
    number: Mapped[int]


class TrainingMember(Base):
    """Who is to watch it. `completed_at`: when the last of its videos was."""

    __tablename__ = "training_member"
    __table_args__ = (
        UniqueConstraint("training_id", "person_id"),
        ForeignKeyConstraint(["org_id", "training_id"], _TRAINING),
        Index("ix_training_member_org_id_training_id", "org_id", "training_id"),
        Index("ix_training_member_person_id", "person_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    training_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    completed_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class WatchedVideo(Base):
    """What a member really watched of a video, whichever trainings it is in."""

    __tablename__ = "watched_video"
    __table_args__ = (
        UniqueConstraint("org_id", "person_id", "video_id"),
        CheckConstraint("watched_ms >= 0", name="not_negative"),
        Index("ix_watched_video_person_id", "person_id"),
        Index("ix_watched_video_video_id", "video_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    video_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.video.id"))
    spans: Mapped[list[Any]] = mapped_column(JSONB)
    """Pairs of milliseconds, half-open, in order and apart: what was played."""
    watched_ms: Mapped[int]
    """The sum of the spans."""
    completed_at: Mapped[Instant | None]
    reported_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]
