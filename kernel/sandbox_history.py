"""How far a sandbox has lived through its past: one row, which whoever makes that past moves on with every step.

While a past is being made its maker is the scheduler: what is due by the calendar is done at the time at which it was due,
not at the present one. Whoever stopped in the middle leaves the row, and the next goes on from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, Instant
from kernel.db.uow import UnitOfWork

MAKING = 7_316_002
"""Key of a session-level advisory lock: held exclusively by the maker during a step, shared by whoever acts in between."""
SILENT_AFTER_S = 60
"""A maker that told nothing for so long has ended: the present goes on without it."""


class SandboxHistory(Base):
    """At most one row. Empty in production, and in a sandbox that began without a past."""

    __tablename__ = "sandbox_history"
    __table_args__ = (
        CheckConstraint("id = 1", name="single"),
        CheckConstraint("steps_done >= 0", name="forward"),
        {"schema": "kernel"},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    """The present at which the past was begun: it reaches up to here, however long its making takes."""
    steps: Mapped[int]
    """How many there will be; 0 until that is known."""
    steps_done: Mapped[int]
    heard_at: Mapped[Instant]
    """By the database's clock, as leases."""
    finished_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class HistoryProgress:
    """What is known of the past's making."""

    starts_at: datetime
    ends_at: datetime
    steps: int
    steps_done: int
    finished: bool
    silent: bool
    """Nobody is at work on it."""

    @property
    def percent(self) -> int:
        """How much of it is done."""
        return 100 if self.finished else min(99, self.steps_done * 100 // max(self.steps, 1))


class StepTaken(Exception):
    """Another process has taken this step."""


def begin(uow: UnitOfWork, starts_at: datetime, ends_at: datetime) -> None:
    """Let this sandbox have a past. Idempotent: the first one stands."""
    uow.cursor.execute(
        """INSERT INTO kernel.sandbox_history (id, starts_at, ends_at, steps, steps_done, heard_at)
           VALUES (1, $1, $2, 0, 0, clock_timestamp()) ON CONFLICT (id) DO NOTHING""",
        (starts_at, ends_at),
    )


def read(uow: UnitOfWork) -> HistoryProgress | None:
    """How far it is; None for a sandbox without a past."""
    row = uow.cursor.execute(
        """SELECT starts_at, ends_at, steps, steps_done, finished_at IS NOT NULL,
                  heard_at < clock_timestamp() - make_interval(secs => $1)
           FROM kernel.sandbox_history""",
        (SILENT_AFTER_S,),
    ).fetchone()
    return HistoryProgress(*row) if row else None


def keep_alive(uow: UnitOfWork, steps: int | None = None) -> None:
    """Say that the past is being made, or is about to be; `steps`: how many there will be."""
    uow.cursor.execute(
        """UPDATE kernel.sandbox_history SET heard_at = clock_timestamp(), steps = coalesce($1::bigint, steps)
           WHERE finished_at IS NULL""",
        (steps,),
    )


def take_step(uow: UnitOfWork, number: int) -> None:
    """Count step `number` (from 0) as done, in the transaction that does it. Raises StepTaken."""
    row = uow.cursor.execute(
        """UPDATE kernel.sandbox_history SET steps_done = $1, heard_at = clock_timestamp()
           WHERE steps_done = $2 AND finished_at IS NULL RETURNING id""",
        (number + 1, number),
    ).fetchone()
    if row is None:
        raise StepTaken(number)


def finish(uow: UnitOfWork) -> None:
    """The past is complete, or is to stay as it is."""
    uow.cursor.execute(
        """UPDATE kernel.sandbox_history SET finished_at = clock_timestamp(), heard_at = clock_timestamp()
           WHERE finished_at IS NULL"""
    )


@dataclass
class _Seen:
    progress: HistoryProgress | None = None


_seen = _Seen()


def follow(uow: UnitOfWork) -> None:
    """Look how far the past is, unless this process knows that it is complete."""
    if _seen.progress is None or not _seen.progress.finished:
        _seen.progress = read(uow)


def percent_done() -> int | None:
    """How much of the past is made, as this process saw it last; None when none is being made."""
    found = _seen.progress
    return None if found is None or found.finished or found.silent else found.percent
