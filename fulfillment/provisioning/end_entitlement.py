"""End an entitlement and let the seller's system know."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.events import EntitlementEnded
from fulfillment.entitlements.give_back_seats import end_allocations
from fulfillment.entitlements.models import ENTITLEMENT, Entitlement
from fulfillment.runs.conclude import give_up
from fulfillment.runs.models import Run
from fulfillment.runs.start_run import start_run
from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit

DEPROVISION_WITHIN = timedelta(days=7)


def end_entitlement(uow: UnitOfWork, entitlement_id: UUID, *, reason: str) -> bool:
    """End it now. Returns False when it had ended before.

    Runs that wait, for their turn or for the seller, are given up; one that is being sent ends by its answer. Whenever
    the seller's system may have made something (any try was sent), a `deprovision` run follows: also after a failure,
    because an answer that was lost or late may have been a success. Until when the seller keeps the data stands from now on.

    Raises: NotFound. Emits: EntitlementEnded, AllocationEnded. Locks: the entitlement, its allocations, its runs.
    Idempotent by the state.
    """
    row = lock_row(uow.session, Entitlement, entitlement_id)
    if row is None:
        raise NotFound("not_found")
    org_ids = [row.buyer_org_id, row.seller_org_id]
    if not ENTITLEMENT.move(uow, row, "ended", org_ids=org_ids, reason=reason):
        return False
    # One whose time had passed keeps its end.
    row.valid_to, row.past_due_at = min(row.valid_to or clock.now(), clock.now()), None
    if row.valid_from is not None and row.data_kept_days is not None:
        # From the end itself: what was suspended first kept its data meanwhile.
        row.data_kept_until = clock.now() + timedelta(days=row.data_kept_days)
    end_allocations(uow, row, reason="entitlement_ended")
    of_this = select(Run.id).where(Run.buyer_org_id == row.buyer_org_id, Run.entitlement_id == row.id)
    runs = lock_rows(uow.session, Run, uow.session.scalars(of_this))
    for run in runs:
        if run.operation != "deprovision" and run.state in ("queued", "waiting"):
            give_up(uow, run, row, state="dead", reason="entitlement_ended")
    sent = any(run.tries for run in runs if run.operation == "provision")
    # A late success may have had one queued already: it has not been sent and will say the same.
    queued = any(run.operation == "deprovision" and run.state == "queued" and run.tries == 0 for run in runs)
    if sent and not queued:
        start_run(uow, row, "deprovision", deadline_at=clock.now() + DEPROVISION_WITHIN)
    emit(
        uow,
        EntitlementEnded(
            entitlement_id=row.id,
            reference=row.reference,
            buyer_org_id=row.buyer_org_id,
            seller_org_id=row.seller_org_id,
            reason=reason,
        ),
    )
    return True
