"""What is in use becomes more, less, or another plan."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from fulfillment.entitlements.give_back_seats import give_end_customer, shrink_allocations
from fulfillment.entitlements.models import Entitlement, Seat
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict


def amend(uow: UnitOfWork, entitlement: Entitlement, *, seats: int, plan_id: UUID, plan: dict[str, Any]) -> None:
    """Give a locked entitlement other seats and another plan; `plan` is what the seller's system is told of it.

    Where fewer seats are left than are taken, those that were given last are taken back: first of members of the buyer's own,
    then what is allocated to subsidiaries. Of a dealer's order all of it stays its end customer's.
    """
    if entitlement.end_customer_id is not None:
        give_end_customer(uow, entitlement, seats)
    shrink_allocations(uow, entitlement, seats)
    own = seats - entitlement.seats_allocated
    surplus = entitlement.seats_used - own
    if surplus > 0:
        last = (
            select(Seat.id)
            .where(Seat.entitlement_id == entitlement.id, Seat.revoked_at.is_(None))
            .order_by(Seat.assigned_at.desc(), Seat.id.desc())
            .limit(surplus)
        )
        uow.session.execute(update(Seat).where(Seat.id.in_(last)).values(revoked_at=clock.now()))
        entitlement.seats_used = own
    entitlement.seats, entitlement.plan_id = seats, plan_id
    entitlement.context = {**entitlement.context, "plan": plan}


def require_not_allocated(entitlement: Entitlement, seats: int) -> None:
    """Raises Conflict `seats_are_allocated`: subsidiaries have more of a locked entitlement. An end customer has all."""
    if entitlement.end_customer_id is None and seats < entitlement.seats_allocated:
        raise Conflict("seats_are_allocated", allocated=entitlement.seats_allocated)
