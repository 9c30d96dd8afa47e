"""Tables of the durable half of the job system: PostgreSQL remembers, the broker only signals."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant, Json


class EventRow(Base):
    """An event as recorded. Partitioned by month; append-only for the serving role."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_subject_id", "subject_id"),
        Index("ix_event_topic_occurred_at", "topic", "occurred_at"),
        {"schema": "kernel", "postgresql_partition_by": "RANGE (occurred_at)"},
    )
    id: Mapped[Id]
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    topic: Mapped[str]
    subject_id: Mapped[UUID]
    org_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    payload: Mapped[Json]
    correlation_id: Mapped[str | None]


class EventCursor(Base):
    """How far a reader of the recorded events has come. It reads a little of what lies before, too: commits come in any order."""

    __tablename__ = "event_cursor"
    __table_args__ = ({"schema": "kernel"},)
    reader: Mapped[str] = mapped_column(primary_key=True)
    read_until: Mapped[Instant]


class Job(Base):
    """Work that must happen; what is done leaves the table. Lease and epoch fence off a worker that woke from a pause."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("kind", "dedupe_key"),
        CheckConstraint("state IN ('ready', 'running', 'dead')", name="state"),
        Index("ix_job_due", "queue", "run_at", postgresql_where=text("state IN ('ready', 'running')")),
        Index("ix_job_dead", "created_at", postgresql_where=text("state = 'dead'")),
        Index("ix_job_event_id", "event_id"),
        {"schema": "kernel"},
    )
    id: Mapped[Id]
    kind: Mapped[str]
    queue: Mapped[str]
    dedupe_key: Mapped[str]
    payload: Mapped[Json]
    state: Mapped[str] = mapped_column(default="ready", server_default="ready")
    run_at: Mapped[Instant]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    epoch: Mapped[int] = mapped_column(default=0, server_default="0")
    """Grows with every claim; each effect the claimant writes is guarded by it."""
    lease_until: Mapped[Instant | None]
    worker: Mapped[str | None]
    last_error: Mapped[str | None]
    event_id: Mapped[UUID | None]
    correlation_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[Instant | None]


class JobAttempt(Base):
    """One try of a job: who, when, how it ended. Partitioned by month."""

    __tablename__ = "job_attempt"
    __table_args__ = (
        Index("ix_job_attempt_job_id", "job_id"),
        {"schema": "kernel", "postgresql_partition_by": "RANGE (started_at)"},
    )
    id: Mapped[Id]
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    job_id: Mapped[UUID]
    epoch: Mapped[int]
    worker: Mapped[str]
    outcome: Mapped[str]
    """done, retry, dead or lost (another worker had taken over)."""
    error: Mapped[str | None]
    elapsed_ms: Mapped[int]


class Inbox(Base):
    """An incoming message as it came: verified, stored raw, known once per (source, event id), processed as a job."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("source", "event_id"),
        CheckConstraint("state IN ('received', 'processed', 'ignored', 'quarantined', 'settled')", name="state"),
        CheckConstraint(
            "(state = 'settled') = (settled_at IS NOT NULL AND settled_by IS NOT NULL AND resolution IS NOT NULL)",
            name="settled",
        ),
        Index("ix_inbox_waiting", "received_at", postgresql_where=text("state = 'received'")),
        Index("ix_inbox_quarantined", "received_at", postgresql_where=text("state IN ('quarantined', 'settled')")),
        {"schema": "kernel"},
    )
    id: Mapped[Id]
    source: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[str]
    body: Mapped[Json]
    state: Mapped[str] = mapped_column(default="received", server_default="received")
    note: Mapped[str | None]
    received_at: Mapped[CreatedAt]
    processed_at: Mapped[Instant | None]
    subject_id: Mapped[UUID | None]
    """Which row of ours it is about, when it was put aside."""
    settled_at: Mapped[Instant | None]
    settled_by: Mapped[str | None]
    resolution: Mapped[str | None]
    """What an operator did about one that was put aside (quarantined)."""
