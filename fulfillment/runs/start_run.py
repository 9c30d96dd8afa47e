"""Queue one operation of a connector."""

from __future__ import annotations

from datetime import datetime, timedelta

from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import RUN, Run
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue

CALL = "fulfillment.run.call"


def start_run(
    uow: UnitOfWork, entitlement: Entitlement, operation: str, *, deadline_at: datetime, waits: bool = False
) -> Run:
    """Add a queued run for a locked entitlement and the job that calls the seller. Returns the run.

    One that `waits` is called by whoever says so (`queue_call`), or given up at its deadline.
    The database admits one `provision` per entitlement.
    """
    run = Run(
        id=uuid7(),
        buyer_org_id=entitlement.buyer_org_id,
        seller_org_id=entitlement.seller_org_id,
        entitlement_id=entitlement.id,
        operation=operation,
        percent=0,
        sequence=-1,
        tries=0,
        call_generation=0,
        deadline_at=deadline_at,
        created_at=clock.now(),
    )
    RUN.begin(uow, run, org_ids=[entitlement.buyer_org_id, entitlement.seller_org_id])
    uow.add(run)
    if not waits:
        queue_call(uow, run, entitlement)
    return run


def queue_call(uow: UnitOfWork, run: Run, entitlement: Entitlement, *, after: timedelta = timedelta()) -> None:
    """Enqueue the job that calls the seller for a locked, queued run.

    Its call_generation makes every earlier job of the run powerless, so that one at most calls at any time.
    """
    run.call_generation += 1
    enqueue(
        uow,
        CALL,
        {
            "run_id": str(run.id),
            "call_generation": run.call_generation,
            "group_reference": str(entitlement.group_reference),
        },
        dedupe_key=f"{run.id}:{run.call_generation}",
        run_at=clock.now() + after,
    )
