"""What is not kept for ever: the scheduler's slots that were worked off, and idempotency keys long past their time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, delete, or_, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.idempotency import forget_old
from kernel.jobs.models import Job
from kernel.jobs.registry import SLOT, Payload, every, periodic, process
from kernel.jobs.run import JobContext

TIDY = "kernel.tidy"
SLOTS_KEPT = timedelta(days=1)
BATCH = 5_000
"""Rows in one transaction: however much has gathered, no statement runs into its time limit."""


@process(TIDY)
def tidy(ctx: JobContext, _: Payload) -> None:
    """Delete them. Jobs that follow a fact stay: `verify` walks from each fact to what followed it."""
    for forget in (forget_slots, forget_old):
        while ctx.transact(lambda uow, forget=forget: forget(uow, BATCH)) == BATCH:  # type: ignore[misc]
            continue


def forget_slots(uow: UnitOfWork, limit: int) -> int:
    """Delete at most `limit` slots that were worked off; returns how many."""
    # A slot must outlive its interval, or a scheduler that starts again would fill it a second time.
    over = [
        and_(Job.kind == item.kind, Job.finished_at < clock.now() - max(SLOTS_KEPT, 2 * item.every))
        for item in periodic()
    ]
    old = select(Job.id).where(or_(*over), Job.dedupe_key.startswith(SLOT), Job.state == "done").limit(limit)
    return len(uow.session.scalars(delete(Job).where(Job.id.in_(old)).returning(Job.id)).all())


every(timedelta(hours=1), TIDY)
