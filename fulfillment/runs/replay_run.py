"""Give a run that was given up another chance, by hand."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fulfillment.runs.conclude import lock_run
from fulfillment.runs.start_run import queue_call
from fulfillment.runs.states import RUN
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound

REPLAY_WITHIN = timedelta(hours=24)


def replay_run(uow: UnitOfWork, run_id: UUID) -> None:
    """Queue a failed or dead run again with a fresh deadline.

    Raises: NotFound (not the acting seller's), Conflict `run_not_replayable` when it is under way, has succeeded, its
    entitlement has ended so that nothing may be provisioned any more, or what it made late was taken down again (the
    seller keeps what is ended ended). Locks: the entitlement, the run.
    """
    run, entitlement = lock_run(uow, run_id)
    if not uow.principal.is_platform and run.seller_org_id != uow.principal.organization():
        raise NotFound("not_found")
    pointless = run.operation != "deprovision" and (entitlement.state == "ended" or run.orphaned_at is not None)
    if run.state not in ("failed", "dead") or pointless:
        raise Conflict("run_not_replayable", state=run.state)
    RUN.move(uow, run, "queued", org_ids=[run.buyer_org_id, run.seller_org_id], reason="replayed")
    run.deadline_at, run.failure, run.finished_at = clock.now() + REPLAY_WITHIN, None, None
    queue_call(uow, run)
    audit.record(uow, "run.replayed", subject_id=run.id, tries=run.tries)
