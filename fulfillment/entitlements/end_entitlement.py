"""End an entitlement and let the seller's system know."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from fulfillment.entitlements.models import Entitlement
from fulfillment.events import EntitlementEnded
from fulfillment.runs.models import Run
from fulfillment.runs.start_run import start_run
from fulfillment.runs.states import ENTITLEMENT
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound

DEPROVISION_WITHIN = timedelta(days=7)


def end_entitlement(uow: UnitOfWork, entitlement_id: UUID, *, reason: str) -> bool:
    """End it now. Returns False when it had ended before.

    Whenever the seller's system may have made something (any try was sent), a `deprovision` run follows: also after a
    failure, because an answer that was lost or late may have been a success.

    Raises: NotFound. Emits: EntitlementEnded. Locks: the entitlement. Idempotent by the state.
    """
    row = lock_row(uow.session, Entitlement, entitlement_id)
    if row is None:
        raise NotFound("not_found")
    org_ids = [row.buyer_org_id, row.seller_org_id]
    if not ENTITLEMENT.move(uow, row, "ended", org_ids=org_ids, reason=reason):
        return False
    row.valid_to = clock.now()
    tries = uow.session.scalar(
        select(func.coalesce(func.sum(Run.tries), 0)).where(Run.entitlement_id == row.id, Run.operation == "provision")
    )
    if tries:
        start_run(uow, row, "deprovision", deadline_at=clock.now() + DEPROVISION_WITHIN)
    uow.emit(
        EntitlementEnded(
            entitlement_id=row.id,
            reference=row.reference,
            buyer_org_id=row.buyer_org_id,
            seller_org_id=row.seller_org_id,
            reason=reason,
        )
    )
    return True
