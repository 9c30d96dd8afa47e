"""Allocated seats become the buyer's own again, an end customer has all; the seller's system is told how many each has."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from fulfillment.entitlements.allocation_events import AllocationEnded, SeatsAllocated
from fulfillment.entitlements.allocation_models import AllocatedSeat, SeatAllocation
from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.locks import lock_rows
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.groups.models import GroupMembership
from marketplace.parties.models import Organization


def end_allocations(
    uow: UnitOfWork, entitlement: Entitlement, *, reason: str, membership_id: UUID | None = None
) -> None:
    """Give back what of a locked entitlement is allocated, or of it what one membership of the group has. Whoever held a seat
    has none from this moment. Nothing happens where nothing is allocated.

    Emits: AllocationEnded. Locks: the allocations.
    """
    if entitlement.seats_allocated == 0 and entitlement.end_customer_id is None:
        return
    with as_platform(uow):
        for row in _running(uow, entitlement, membership_id):
            _end(uow, entitlement, row, reason)
        tell_allocations(uow, entitlement)


def shrink_allocations(uow: UnitOfWork, entitlement: Entitlement, seats: int) -> None:
    """Let no more than `seats` of a locked entitlement be allocated: those that were allocated last are given back first.

    What was agreed on with the seller before seats were allocated comes to this; a change to fewer than are allocated is
    refused when it is asked for. Emits: AllocationEnded, SeatsAllocated. Locks: the allocations.
    """
    short = entitlement.seats_allocated - seats
    if short <= 0:
        return
    with as_platform(uow):
        _shrink(uow, entitlement, short)
        tell_allocations(uow, entitlement)


def _shrink(uow: UnitOfWork, entitlement: Entitlement, short: int) -> None:
    for row in reversed(_running(uow, entitlement, None)):
        cut = min(short, row.seats)
        short -= cut
        if cut == row.seats:
            _end(uow, entitlement, row, "fewer_seats")
        elif cut:
            _revoke_last(uow, row, row.seats_used - (row.seats - cut))
            before, row.seats = row.seats, row.seats - cut
            entitlement.seats_allocated -= cut
            uow.flush()
            emit(uow, SeatsAllocated(**fact_of(row), seats=row.seats, before=before))


def give_end_customer(uow: UnitOfWork, entitlement: Entitlement, seats: int) -> None:
    """Let the end customer of a locked entitlement have all of it: so many seats from now on, 0 where it is not sold by them.

    What it had more of is taken back, the last given first. Emits: SeatsAllocated, where the number is another.
    Locks: its allocation.
    """
    with as_platform(uow):
        (row,) = _running(uow, entitlement, None) or (None,)
        if row is None:
            assert entitlement.end_customer_org_id is not None  # noqa: S101 - the caller has seen that it has one
            row = SeatAllocation(
                id=uuid7(),
                hq_org_id=entitlement.buyer_org_id,
                org_id=entitlement.end_customer_org_id,
                entitlement_id=entitlement.id,
                membership_id=None,
                end_customer_id=entitlement.end_customer_id,
                seats=seats,
                seats_used=0,
                created_at=clock.now(),
                ended_at=None,
                ended_for=None,
            )
            uow.add(row)
            entitlement.seats = entitlement.seats_allocated = seats
            return
        if row.seats == seats:
            return
        _revoke_last(uow, row, row.seats_used - seats)
        before, row.seats = row.seats, seats
        # Together: a constraint says that no more is allocated than was bought.
        entitlement.seats = entitlement.seats_allocated = seats
        uow.flush()
        emit(uow, SeatsAllocated(**fact_of(row), seats=seats, before=before))


def tell_allocations(uow: UnitOfWork, entitlement: Entitlement) -> None:
    """Note on a locked entitlement what its seller's system reads of allocations: how many seats each organization has."""
    uow.flush()
    rows = uow.session.execute(
        select(Organization.id, Organization.legal_name, Organization.country, SeatAllocation.seats)
        .join(SeatAllocation, SeatAllocation.org_id == Organization.id)
        .where(
            SeatAllocation.hq_org_id == entitlement.buyer_org_id,
            SeatAllocation.entitlement_id == entitlement.id,
            SeatAllocation.ended_at.is_(None),
        )
        .order_by(SeatAllocation.created_at, SeatAllocation.id)
    )
    said = [
        {
            "organization": {"id": str(row.id), "name": row.legal_name, "country": row.country.strip()},
            "seats": row.seats,
        }
        for row in rows
    ]
    entitlement.context = {**entitlement.context, "allocations": said}


def end_of_membership(uow: UnitOfWork, membership: GroupMembership) -> list[Entitlement]:
    """Give back all seats that a membership of a group has, as it ended. Returns the entitlements they are of.

    Emits: AllocationEnded. Locks: the entitlements by ascending id, then their allocations.
    """
    with as_platform(uow):
        ids = uow.session.scalars(
            select(SeatAllocation.entitlement_id).where(
                SeatAllocation.hq_org_id == membership.hq_org_id,
                SeatAllocation.org_id == membership.org_id,
                SeatAllocation.membership_id == membership.id,
                SeatAllocation.ended_at.is_(None),
            )
        ).all()
        rows = lock_rows(uow.session, Entitlement, ids) if ids else []
        for row in rows:
            end_allocations(uow, row, reason="group_ended", membership_id=membership.id)
    return rows


def fact_of(row: SeatAllocation) -> dict[str, UUID]:
    """What each event of an allocation says."""
    return {
        "allocation_id": row.id,
        "entitlement_id": row.entitlement_id,
        "hq_org_id": row.hq_org_id,
        "member_org_id": row.org_id,
    }


def _running(uow: UnitOfWork, entitlement: Entitlement, membership_id: UUID | None) -> list[SeatAllocation]:
    """Locked, the first allocated first."""
    wanted = select(SeatAllocation.id).where(
        SeatAllocation.hq_org_id == entitlement.buyer_org_id,
        SeatAllocation.entitlement_id == entitlement.id,
        SeatAllocation.ended_at.is_(None),
    )
    if membership_id is not None:
        wanted = wanted.where(SeatAllocation.membership_id == membership_id)
    return lock_rows(uow.session, SeatAllocation, uow.session.scalars(wanted).all())


def _end(uow: UnitOfWork, entitlement: Entitlement, row: SeatAllocation, reason: str) -> None:
    holders = _revoke_last(uow, row, row.seats_used)
    entitlement.seats_allocated -= row.seats
    row.ended_at, row.ended_for = clock.now(), reason
    uow.flush()
    people = [str(one) for one in holders]
    emit(uow, AllocationEnded(**fact_of(row), seats=row.seats, reason=reason, person_ids=people))


def _revoke_last(uow: UnitOfWork, row: SeatAllocation, number: int) -> Sequence[UUID]:
    """Take back so many seats of a locked allocation, those given last. Returns whose they were."""
    if number <= 0:
        return []
    last = (
        select(AllocatedSeat.id)
        .where(
            AllocatedSeat.org_id == row.org_id,
            AllocatedSeat.allocation_id == row.id,
            AllocatedSeat.revoked_at.is_(None),
        )
        .order_by(AllocatedSeat.assigned_at.desc(), AllocatedSeat.id.desc())
        .limit(number)
    )
    revoked = uow.session.scalars(
        update(AllocatedSeat)
        .where(AllocatedSeat.id.in_(last))
        .values(revoked_at=clock.now())
        .returning(AllocatedSeat.person_id)
        .execution_options(synchronize_session=False)
    ).all()
    row.seats_used -= number
    return revoked
