"""Seats: never above the quantity, races included."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update

from fulfillment.entitlements.models import Entitlement, Seat
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7


def assign_seat(uow: UnitOfWork, entitlement_id: UUID, person_id: UUID) -> UUID:
    """Give a member of the buying organization a seat. The caller has checked the membership.

    Raises: NotFound, Conflict `entitlement_not_active`, `no_seat_left`, `seat_already_assigned`.
    The count moves by a guarded update, so that the last seat is given once however many ask.
    """
    org_id = uow.principal.organization()
    state = uow.session.scalar(
        select(Entitlement.state).where(Entitlement.id == entitlement_id, Entitlement.buyer_org_id == org_id)
    )
    if state is None:
        raise NotFound("not_found")
    if state != "active":
        raise Conflict("entitlement_not_active", state=state)
    taken = uow.session.execute(
        update(Entitlement)
        .where(
            Entitlement.id == entitlement_id,
            Entitlement.buyer_org_id == org_id,
            Entitlement.state == "active",
            Entitlement.seats_used < Entitlement.seats,
        )
        .values(seats_used=Entitlement.seats_used + 1)
        .returning(Entitlement.id)
    ).first()
    if taken is None:
        raise Conflict("no_seat_left")
    seat = Seat(id=uuid7(), org_id=org_id, entitlement_id=entitlement_id, person_id=person_id)
    uow.session.add(seat)
    uow.flush()
    return seat.id


def revoke_seat(uow: UnitOfWork, entitlement_id: UUID, seat_id: UUID) -> None:
    """Take a seat back. Raises: NotFound. Idempotent: a seat revoked before stays so and frees nothing twice."""
    org_id = uow.principal.organization()
    mine = (Seat.id == seat_id, Seat.entitlement_id == entitlement_id, Seat.org_id == org_id)
    freed = uow.session.execute(
        update(Seat).where(*mine, Seat.revoked_at.is_(None)).values(revoked_at=clock.now()).returning(Seat.id)
    ).first()
    if freed is None:
        if uow.session.scalar(select(Seat.id).where(*mine)) is None:
            raise NotFound("not_found")
        return
    uow.session.execute(
        update(Entitlement)
        .where(Entitlement.id == entitlement_id, Entitlement.buyer_org_id == org_id)
        .values(seats_used=Entitlement.seats_used - 1)
    )
