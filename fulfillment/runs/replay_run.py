"""Give a run that was given up another chance, by hand."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.conclude import lock_run
from fulfillment.runs.models import RUN, Run
from fulfillment.runs.start_run import queue_call
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound

REPLAY_WITHIN = timedelta(hours=24)
REPLAYED = "replayed"
"""The reason in a run's history."""


def replay_run(uow: UnitOfWork, run_id: UUID) -> None:
    """Queue a failed or dead run again with a fresh deadline.

    Raises: NotFound (not the acting seller's), Conflict `run_not_replayable` (see `may_replay`).
    Locks: the entitlement, the run.
    """
    run, entitlement = lock_run(uow, run_id)
    if not uow.principal.is_platform and run.seller_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if not may_replay(run, entitlement):
        raise Conflict("run_not_replayable", state=run.state)
    RUN.move(uow, run, "queued", org_ids=[run.buyer_org_id, run.seller_org_id], reason=REPLAYED)
    run.deadline_at, run.failure, run.finished_at = clock.now() + REPLAY_WITHIN, None, None
    queue_call(uow, run, entitlement)
    audit.record(uow, "run.replayed", subject_id=run.id, tries=run.tries)


def may_replay(run: Run, entitlement: Entitlement) -> bool:
    """Whether the run was given up and another try may still help.

    Nothing is provisioned for an entitlement that has ended, nor where what was made late has been taken down again: the
    seller keeps what is ended ended.
    """
    pointless = run.operation != "deprovision" and (entitlement.state == "ended" or run.orphaned_at is not None)
    return run.state in ("failed", "dead") and not pointless
