"""A subsidiary gives its allocated seats to members of its own, and takes them back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, select, update

from fulfillment.entitlements.allocation_events import AllocatedSeatAssigned
from fulfillment.entitlements.allocation_models import AllocatedSeat, SeatAllocation
from fulfillment.entitlements.give_back_seats import fact_of
from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.validity import is_in_force
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.models import Member


def assign_allocated_seat(uow: UnitOfWork, allocation_id: UUID, person_id: UUID) -> UUID:
    """Give a member of the acting subsidiary one of its allocated seats. Returns the seat's id.

    Raises: NotFound `not_found` (no such allocation, or no such member of one's own organization), Conflict
        `allocation_ended`, `entitlement_not_active`, `no_seat_left`, `seat_already_assigned`.
    Emits: AllocatedSeatAssigned. Locks: the allocation; the last seat is given once however many ask.
    """
    org_id = uow.principal.organization()
    row = _lock_own(uow, allocation_id)
    member = exists().where(Member.org_id == org_id, Member.person_id == person_id, Member.state == "active")
    if not uow.session.scalar(select(member)):
        raise NotFound("not_found")
    if row.ended_at is not None:
        raise Conflict("allocation_ended")
    with as_platform(uow):
        state, valid_to = uow.session.execute(
            select(Entitlement.state, Entitlement.valid_to).where(Entitlement.id == row.entitlement_id)
        ).one()
    if not is_in_force(state, valid_to):
        raise Conflict("entitlement_not_active", state="expired" if state == "active" else state)
    held = exists().where(
        AllocatedSeat.allocation_id == row.id,
        AllocatedSeat.person_id == person_id,
        AllocatedSeat.revoked_at.is_(None),
    )
    if uow.session.scalar(select(held)):
        raise Conflict("seat_already_assigned")
    if row.seats_used >= row.seats:
        raise Conflict("no_seat_left")
    row.seats_used += 1
    seat = AllocatedSeat(
        id=uuid7(),
        org_id=org_id,
        allocation_id=row.id,
        person_id=person_id,
        assigned_at=clock.now(),
        revoked_at=None,
    )
    uow.session.add(seat)
    emit(uow, AllocatedSeatAssigned(**fact_of(row), allocated_seat_id=seat.id, person_id=person_id))
    uow.flush()
    return seat.id


def revoke_allocated_seat(uow: UnitOfWork, allocation_id: UUID, seat_id: UUID) -> None:
    """Take a seat back. Idempotent: one revoked before stays so and frees nothing twice.

    Raises: NotFound `not_found`. Locks: the allocation, before the seat.
    """
    row = _lock_own(uow, allocation_id)
    mine = (
        AllocatedSeat.id == seat_id,
        AllocatedSeat.allocation_id == row.id,
        AllocatedSeat.org_id == row.org_id,
    )
    freed = uow.session.execute(
        update(AllocatedSeat)
        .where(*mine, AllocatedSeat.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(AllocatedSeat.id)
    ).first()
    if freed is not None:
        row.seats_used -= 1
    elif uow.session.scalar(select(AllocatedSeat.id).where(*mine)) is None:
        raise NotFound("not_found")


def _lock_own(uow: UnitOfWork, allocation_id: UUID) -> SeatAllocation:
    row = lock_row(uow.session, SeatAllocation, allocation_id)
    if row is None or row.org_id != uow.principal.organization():
        raise NotFound("not_found")
    return row
