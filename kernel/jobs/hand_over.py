"""Jobs of a process that worked apart become the workers' (see `kernel.jobs.kinds.work_apart`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kernel import clock
from kernel.db.uow import JobSignal, UnitOfWork


def hand_over(uow: UnitOfWork, prefix: str, queue: str = "") -> list[JobSignal]:
    """Let the jobs of one queue, or of all, be found by the workers; those that are due are due now.

    A running one keeps its lease. Returns what is due.
    """
    now = clock.now()
    rows = uow.cursor.execute(
        """UPDATE kernel.job SET queue = substr(queue, length($1) + 1), run_at = greatest(run_at, $2)
           WHERE starts_with(queue, $1 || $3) AND state IN ('ready', 'running') RETURNING queue, id, kind, run_at""",
        (prefix, now, queue),
    ).fetchall()
    return [JobSignal(name, job_id, kind) for name, job_id, kind, run_at in rows if run_at <= now]


def put_off(uow: UnitOfWork, prefix: str, queue: str, until: datetime) -> None:
    """Let the jobs of a queue apart not count as late: whoever keeps them apart takes them up before `until`."""
    uow.cursor.execute(
        "UPDATE kernel.job SET run_at = $1 WHERE queue = $2 AND state = 'ready'", (until, prefix + queue)
    )


def take_up(uow: UnitOfWork, job_id: UUID) -> None:
    """Let a job that was put off be due."""
    uow.cursor.execute("UPDATE kernel.job SET run_at = least(run_at, $1) WHERE id = $2", (clock.now(), job_id))


def left_apart(uow: UnitOfWork, prefix: str, queue: str) -> Sequence[UUID]:
    """Ready jobs of a queue apart, the newest first."""
    rows = uow.cursor.execute(
        "SELECT id FROM kernel.job WHERE queue = $1 AND state = 'ready' ORDER BY id DESC", (prefix + queue,)
    ).fetchall()
    return [row[0] for row in rows]
