"""Reads of the job table: what was given up, what waits, and when the next job is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import APART
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
class DueJobs:
    """How many jobs of a kind should have begun by now, and since when the oldest should."""

    queue: str
    kind: str
    count: int
    oldest_at: datetime


def dead_jobs(uow: UnitOfWork, *, limit: int = 50) -> list[DeadJob]:
    """Jobs that were given up, newest first. Raises Forbidden(`permission_missing`) without `operator.read`."""
    uow.principal.require("operator.read")
    rows = uow.session.scalars(
        select(Job).where(Job.state == "dead").order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)
    )
    return [DeadJob(row.id, row.kind, row.attempts, row.last_error, row.created_at, row.finished_at) for row in rows]


def due_jobs(uow: UnitOfWork) -> list[DueJobs]:
    """What should have begun by now, the kind with the oldest first; of a worker that was lost, what its lease still held.

    Raises Forbidden(`permission_missing`) without `operator.read`.
    """
    uow.principal.require("operator.read")
    oldest_at = func.min(Job.run_at)
    left_behind = (Job.state == "running") & (Job.lease_until < func.clock_timestamp())
    rows = uow.session.execute(
        select(Job.queue, Job.kind, func.count(), oldest_at)
        .where((Job.state == "ready") | left_behind, Job.run_at <= clock.now(), Job.queue.not_like(APART))
        .group_by(Job.queue, Job.kind)
        .order_by(oldest_at)
    )
    return [DueJobs(*row) for row in rows]


def dead_by_kind(uow: UnitOfWork) -> dict[str, int]:
    """How many jobs of a kind were given up. Raises Forbidden(`permission_missing`) without `operator.read`."""
    uow.principal.require("operator.read")
    rows = uow.session.execute(
        select(Job.kind, func.count().label("many")).where(Job.state == "dead").group_by(Job.kind)
    )
    return {row.kind: row.many for row in rows}


def due_in_s(uow: UnitOfWork, queues: Sequence[str]) -> float | None:
    """Seconds until a job of `queues` can be claimed, as far as is known by now: 0 or less when one can, None without any.

    A running one can when its lease runs out, unless that is renewed meanwhile.
    """
    row = uow.cursor.execute(_DUE_IN, (list(queues), clock.now())).fetchone()
    return None if row is None else row[0]


def lost_claims(uow: UnitOfWork, prefix: str) -> list[str]:
    """The queues, of those whose names begin so, with a job that was running when its worker was lost."""
    found = select(Job.queue).where(
        Job.queue.startswith(prefix), Job.state == "running", Job.lease_until < func.clock_timestamp()
    )
    return list(uow.session.scalars(found.distinct()))
