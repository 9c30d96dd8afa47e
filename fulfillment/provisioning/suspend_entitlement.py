"""Suspend what is in use, and let it go on again; the seller's system is told both."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fulfillment.entitlements.models import ENTITLEMENT, Entitlement
from fulfillment.runs.start_run import start_run
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound

TOLD_WITHIN = timedelta(days=7)


def suspend_entitlement(uow: UnitOfWork, entitlement_id: UUID, *, reason: str) -> bool:
    """Nobody may use it until it is resumed. Returns False where it is not in use.

    Raises: NotFound. Locks: the entitlement. Idempotent by the state.
    """
    return _move(uow, entitlement_id, "active", "suspended", "suspend", reason)


def resume_entitlement(uow: UnitOfWork, entitlement_id: UUID, *, reason: str) -> bool:
    """It may be used again. Returns False where it is not suspended.

    Raises: NotFound. Locks: the entitlement. Idempotent by the state.
    """
    return _move(uow, entitlement_id, "suspended", "active", "resume", reason)


def change_entitlement(uow: UnitOfWork, entitlement: Entitlement) -> None:
    """Tell the seller's system what a locked entitlement gives by now: its term, its seats."""
    if entitlement.connector_id is not None:
        start_run(uow, entitlement, "change", deadline_at=clock.now() + TOLD_WITHIN)


def _move(uow: UnitOfWork, entitlement_id: UUID, before: str, state: str, operation: str, reason: str) -> bool:
    row = lock_row(uow.session, Entitlement, entitlement_id)
    if row is None:
        raise NotFound("not_found")
    if row.state != before:
        return False
    ENTITLEMENT.move(uow, row, state, org_ids=[row.buyer_org_id, row.seller_org_id], reason=reason)
    start_run(uow, row, operation, deadline_at=clock.now() + TOLD_WITHIN)
    return True
