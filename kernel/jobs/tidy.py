"""What is not kept for ever: the scheduler's slots that were worked off, and idempotency keys long past their time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.idempotency import forget_old
from kernel.jobs.models import Job
from kernel.jobs.registry import SLOT, Payload, every, job, periodic

TIDY = "kernel.tidy"
SLOTS_KEPT = timedelta(days=1)


@job(TIDY)
def tidy(uow: UnitOfWork, _: Payload) -> None:
    """Delete them. Jobs that follow a fact stay: `verify` walks from each fact to what followed it."""
    for item in periodic():
        # A slot must outlive its interval, or a scheduler that starts again would fill it a second time.
        before = clock.now() - max(SLOTS_KEPT, 2 * item.every)
        uow.session.execute(
            delete(Job).where(
                Job.kind == item.kind, Job.dedupe_key.startswith(SLOT), Job.state == "done", Job.finished_at < before
            )
        )
    forget_old(uow)


every(timedelta(hours=1), TIDY)
