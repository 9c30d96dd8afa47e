"""Reads of the job table: what was given up, what waits, and when the next job is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.models import Job

_DUE_IN = """
    SELECT extract(epoch FROM least(min(run_at) FILTER (WHERE state = 'ready') - $2::timestamptz,
                                    min(lease_until) FILTER (WHERE state = 'running') - clock_timestamp()))::float8
    FROM kernel.job WHERE queue = ANY($1) AND state IN ('ready', 'running')
"""


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


def due_in_s(uow: UnitOfWork, queues: Sequence[str]) -> float | None:
    """Seconds until a job of `queues` can be claimed, as far as is known by now: 0 or less when one can, None without any.

    A running one can when its lease runs out, unless that is renewed meanwhile.
    """
    row = uow.cursor.execute(_DUE_IN, (list(queues), clock.now())).fetchone()
    return None if row is None else row[0]
