"""Seats: never above the quantity, races included."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, select, update

from fulfillment.entitlements.events import SeatAssigned
from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.entitlements.validity import in_force
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.models import Member


def assign_seat(uow: UnitOfWork, entitlement_id: UUID, person_id: UUID) -> UUID:
    """Give a member of the acting, buying organization a seat. Returns the seat's id.

    Raises: NotFound (no such entitlement, or no such member of one's own organization), Conflict
        `entitlement_not_active`, `no_seat_left`, `seat_already_assigned`, `entitlement_of_end_customer`.
    Emits: SeatAssigned.
    Locks: the entitlement. Its count moves by a guarded update, so that the last seat is given once however many ask.
    """
    org_id = uow.principal.organization()
    mine = (Entitlement.id == entitlement_id, Entitlement.buyer_org_id == org_id)
    found = uow.session.execute(select(Entitlement.state, Entitlement.end_customer_id).where(*mine)).first()
    member = exists().where(Member.org_id == org_id, Member.person_id == person_id, Member.state == "active")
    if found is None or not uow.session.scalar(select(member)):
        raise NotFound("not_found")
    if found.end_customer_id is not None:
        raise Conflict("entitlement_of_end_customer")
    taken = uow.session.execute(
        update(Entitlement)
        .where(*mine, in_force(), Entitlement.seats_used + Entitlement.seats_allocated < Entitlement.seats)
        .values(seats_used=Entitlement.seats_used + 1)
        .returning(Entitlement.id, Entitlement.listing_id)
        .execution_options(synchronize_session=False)
    ).first()
    if _holds_seat(uow, entitlement_id, person_id):
        # Raising takes the count back with everything else of this unit of work.
        raise Conflict("seat_already_assigned")
    if taken is None:
        if uow.session.scalar(select(Entitlement.id).where(*mine, in_force())) is not None:
            raise Conflict("no_seat_left")
        state = uow.session.scalar(select(Entitlement.state).where(*mine))
        raise Conflict("entitlement_not_active", state="expired" if state == "active" else state)
    seat = Seat(id=uuid7(), org_id=org_id, entitlement_id=entitlement_id, person_id=person_id)
    uow.session.add(seat)
    emit(
        uow,
        SeatAssigned(
            seat_id=seat.id,
            entitlement_id=entitlement_id,
            listing_id=taken.listing_id,
            person_id=person_id,
            buyer_org_id=org_id,
        ),
    )
    uow.flush()
    return seat.id


def revoke_seat(uow: UnitOfWork, entitlement_id: UUID, seat_id: UUID) -> None:
    """Take a seat back. Raises: NotFound. Idempotent: a seat revoked before stays so and frees nothing twice.

    Locks: the entitlement, before the seat, as `assign_seat` does.
    """
    org_id = uow.principal.organization()
    entitlement = lock_row(uow.session, Entitlement, entitlement_id)
    if entitlement is None or entitlement.buyer_org_id != org_id:
        raise NotFound("not_found")
    mine = (Seat.id == seat_id, Seat.entitlement_id == entitlement_id, Seat.org_id == org_id)
    freed = uow.session.execute(
        update(Seat).where(*mine, Seat.revoked_at.is_(None)).values(revoked_at=clock.now()).returning(Seat.id)
    ).first()
    if freed is not None:
        entitlement.seats_used -= 1
    elif uow.session.scalar(select(Seat.id).where(*mine)) is None:
        raise NotFound("not_found")


def _holds_seat(uow: UnitOfWork, entitlement_id: UUID, person_id: UUID) -> bool:
    held = exists().where(Seat.entitlement_id == entitlement_id, Seat.person_id == person_id, Seat.revoked_at.is_(None))
    return bool(uow.session.scalar(select(held)))
