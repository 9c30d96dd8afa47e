"""What is in use becomes more, less, or another plan."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from fulfillment.entitlements.models import Entitlement, Seat
from kernel import clock
from kernel.db.uow import UnitOfWork


def amend(uow: UnitOfWork, entitlement: Entitlement, *, seats: int, plan_id: UUID, plan: dict[str, Any]) -> None:
    """Give a locked entitlement other seats and another plan; `plan` is what the seller's system is told of it.

    Where fewer seats are left than are taken, those that were given last are taken back.
    """
    surplus = entitlement.seats_used - seats
    if surplus > 0:
        last = (
            select(Seat.id)
            .where(Seat.entitlement_id == entitlement.id, Seat.revoked_at.is_(None))
            .order_by(Seat.assigned_at.desc(), Seat.id.desc())
            .limit(surplus)
        )
        uow.session.execute(update(Seat).where(Seat.id.in_(last)).values(revoked_at=clock.now()))
        entitlement.seats_used = seats
    entitlement.seats, entitlement.plan_id = seats, plan_id
    entitlement.context = {**entitlement.context, "plan": plan}
