"""A claim on a job: who holds it, and the fence that keeps whoever lost it from writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

import structlog

from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload

LEASE_S = 6
"""A claim not renewed for this long may be taken over."""


class CrashLoop(Exception):
    """As many workers as the kind has attempts died while they held this job; it is not given to one more."""


@dataclass(frozen=True, slots=True)
class JobClaim:
    """A job as claimed: `epoch` and `attempts` count this claim."""

    id: UUID
    kind: str
    payload: Payload
    epoch: int
    attempts: int
    correlation_id: str | None

    def in_logs(self) -> AbstractContextManager[object]:
        """Name the job in every log line of the block."""
        return structlog.contextvars.bound_contextvars(
            job_id=str(self.id), job_kind=self.kind, request_id=self.correlation_id
        )


_FENCE = """
    SELECT j.id FROM kernel.job j
    JOIN unnest($1::uuid[], $2::bigint[]) AS held(id, epoch) ON held.id = j.id AND held.epoch = j.epoch
    WHERE j.lease_until IS NOT NULL ORDER BY j.id FOR UPDATE OF j
"""
"""A job has a lease while it runs. By its state it would be looked for in the index of all that wait."""


def fence(uow: UnitOfWork, claims: Sequence[JobClaim], ahead: Callable[[], None] | None = None) -> set[UUID]:
    """Lock the claims for this transaction; the ids of those that are still ours.

    What `ahead` asks ahead is read behind these locks, in the same round trip; for a claim that was lost nobody fetches it.
    """
    held = uow.cursor.queue_for(_FENCE, ([claim.id for claim in claims], [claim.epoch for claim in claims]))
    if ahead is not None:
        ahead()
    return {row[0] for row in uow.cursor.rows_of(held)}
