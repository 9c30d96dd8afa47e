"""Queue one operation of a connector."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.models import Run
from fulfillment.runs.states import RUN
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7

CALL = "fulfillment.run.call"


def start_run(uow: UnitOfWork, entitlement: Entitlement, operation: str, *, deadline_at: datetime) -> UUID:
    """Add a queued run for a locked entitlement and the job that calls the seller. Returns the run's id.

    Idempotent for `provision`: the database admits one per entitlement.
    """
    run = Run(
        id=uuid7(),
        buyer_org_id=entitlement.buyer_org_id,
        seller_org_id=entitlement.seller_org_id,
        entitlement_id=entitlement.id,
        operation=operation,
        deadline_at=deadline_at,
    )
    RUN.begin(uow, run, org_ids=[entitlement.buyer_org_id, entitlement.seller_org_id])
    uow.session.add(run)
    uow.flush()
    uow.enqueue(CALL, {"run_id": str(run.id)}, dedupe_key=f"{run.id}:0")
    return run.id
