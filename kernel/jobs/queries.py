"""Reads of the job table for operators: what was given up, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.models import Job


@dataclass(frozen=True, slots=True)
class DeadJob:
    """Work that was given up after its last attempt."""

    id: UUID
    kind: str
    attempts: int
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many jobs are due and not done, and since when the oldest is."""

    count: int
    oldest_at: datetime | None


def dead_jobs(uow: UnitOfWork, *, limit: int = 50) -> list[DeadJob]:
    """Jobs that were given up, newest first. Raises Forbidden(`permission_missing`) without `operator.read`."""
    uow.principal.require("operator.read")
    rows = uow.session.scalars(
        select(Job).where(Job.state == "dead").order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)
    )
    return [DeadJob(row.id, row.kind, row.attempts, row.last_error, row.created_at, row.finished_at) for row in rows]


def due_jobs(uow: UnitOfWork) -> Backlog:
    """What should have begun by now. Raises Forbidden(`permission_missing`) without `operator.read`."""
    uow.principal.require("operator.read")
    count, oldest_at = uow.session.execute(
        select(func.count(), func.min(Job.run_at)).where(Job.state == "ready", Job.run_at <= clock.now())
    ).one()
    return Backlog(count, oldest_at)
