"""The table of what viewers ask in a live room."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges


class LiveQuestion(Base):
    """Plain text, with the names of then; everybody in the room sees it once the host has shown it.

    `org_id` is the asker's. Moments are milliseconds since the session began, which are those of its film and its replay.
    """

    __tablename__ = "live_question"
    __table_args__ = (
        ForeignKeyConstraint(
            ["host_org_id", "session_id"], ["marketplace.live_session.org_id", "marketplace.live_session.id"]
        ),
        CheckConstraint("state IN ('waiting', 'shown', 'hidden', 'removed')", name="state"),
        CheckConstraint("asked_ms >= 0 AND answered_ms >= 0", name="moments"),
        CheckConstraint("(answered_at IS NULL) = (answered_ms IS NULL)", name="answered"),
        CheckConstraint("answer = '' OR answered_at IS NOT NULL", name="answer"),
        CheckConstraint("state <> 'shown' OR shown_at IS NOT NULL", name="shown"),
        Index("ix_live_question_host_org_id_session_id", "host_org_id", "session_id"),
        Index("ix_live_question_org_id_person_id_created_at", "org_id", "person_id", "created_at"),
        Index("ix_live_question_person_id", "person_id"),
        Index("ix_live_question_session_id_created_at", "session_id", "created_at", "id"),
        Index("ix_live_question_shown", "session_id", "shown_at", "id", postgresql_where=text("state = 'shown'")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    host_org_id: Mapped[UUID]
    session_id: Mapped[UUID]
    person_name: Mapped[str]
    org_name: Mapped[str]
    body: Mapped[str]
    asked_ms: Mapped[int]
    """0: before it began."""
    state: Mapped[str]
    shown_at: Mapped[Instant | None]
    """When the host showed it first."""
    answer: Mapped[str]
    """The host's text; empty where it was answered in the film."""
    answered_ms: Mapped[int | None]
    answered_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


LIVE_QUESTION = Machine(
    "marketplace.live_question",
    initial="waiting",
    edges=edges(waiting="shown hidden removed", shown="hidden removed", hidden="shown removed", removed=""),
)
"""Waits for the host, who shows or hides it; removed by whoever asked or by the platform, for good."""
