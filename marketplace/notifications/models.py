"""Tables of notifications: what a person was told, and how they would like to be told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant

PERSON = "marketplace.person.id"


class Notification(Base):
    """One thing told to one person, once for each event.

    It is shown while its reader acts for `org_id` and holds `permission` there; one without an organization is about the
    person's own account, and is shown wherever they are.
    """

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("event_id", "person_id", "kind"),
        CheckConstraint("mail IN ('none', 'at_once', 'digest')", name="mail"),
        CheckConstraint("digested_at IS NULL OR mail = 'digest'", name="digested"),
        CheckConstraint("permission IS NULL OR org_id IS NOT NULL", name="permission"),
        Index("ix_notification_unread", "person_id", "org_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notification_person_id_created_at", "person_id", "created_at", "id"),
        Index(
            "ix_notification_digest",
            "person_id",
            "created_at",
            postgresql_where=text("mail = 'digest' AND digested_at IS NULL"),
        ),
        Index("ix_notification_org_id", "org_id"),
        Index("ix_notification_created_at", "created_at"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    event_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    permission: Mapped[str | None]
    """What made its reader one of those who are told; None where it concerns this person alone."""
    kind: Mapped[str]
    """One of `kinds.KINDS`."""
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What its words are filled in with: names, numbers, amounts; never a secret."""
    path: Mapped[str]
    """The page on which its reader can do something about it."""
    mail: Mapped[str]
    """Whether it was mailed at once, or goes into the next digest."""
    digested_at: Mapped[Instant | None]
    read_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]
    """When what it notifies_of about happened."""


class NotificationSetting(Base):
    """How a person would like to be told. There is a row once they chose, or once a digest went out."""

    __tablename__ = "notification_setting"
    __table_args__ = ({"schema": "marketplace"},)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON), primary_key=True)
    levels: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Level by group (`kinds.py`); a group that is missing has its default."""
    digested_at: Mapped[Instant | None]
    """When the last digest went out."""
