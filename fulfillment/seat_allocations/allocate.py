"""A headquarters allocates seats of what it bought, and takes them back; a member of its group leaves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select

from fulfillment.entitlements.allocation_events import AllocationEnded, SeatsAllocated
from fulfillment.entitlements.allocation_models import SeatAllocation
from fulfillment.entitlements.give_back_seats import end_of_membership, fact_of, tell_allocations
from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.validity import is_in_force
from fulfillment.provisioning.suspend_entitlement import change_entitlement
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.courses.models import CourseEpisode
from marketplace.groups.memberships import end_group
from marketplace.groups.models import GroupMembership
from marketplace.groups.rights import require_right

ASSIGN = "seats.assign"
"""Whoever gives seats to members allocates them, too."""


@dataclass(frozen=True, slots=True)
class AllocateSeats:
    """How many seats of an entitlement a subsidiary has from now on; 0 takes them back."""

    entitlement_id: UUID
    membership_id: UUID
    seats: int


def allocate_seats(uow: UnitOfWork, command: AllocateSeats) -> SeatAllocation | None:
    """Let a subsidiary have so many seats of what the acting headquarters bought. Returns the allocation, None where it has none.

    More needs the right `allocate_seats` and an entitlement in force; fewer is always possible, down to those in use.

    Raises: Forbidden `permission_missing`, `group_right_missing`; NotFound `group_membership_not_found`, `not_found` (the
        entitlement); Conflict `group_not_active`, `entitlement_not_active`, `seats_not_allocatable` (it has none, or is a
        course, whose places are its buyer's own), `seats_too_few` (more than are neither taken nor allocated, `left`),
        `allocation_in_use` (fewer than the subsidiary uses, `used`).

    Emits: SeatsAllocated, or AllocationEnded. Idempotent by the content.
    Locks: the membership, the entitlement, the allocation. Seats never are allocated twice, however many ask at once.
    """
    uow.principal.require(ASSIGN)
    own_id = uow.principal.organization()
    membership = lock_row(uow.session, GroupMembership, command.membership_id)
    if membership is None or membership.hq_org_id != own_id:
        raise NotFound("group_membership_not_found")
    entitlement = lock_row(uow.session, Entitlement, command.entitlement_id)
    if entitlement is None or entitlement.buyer_org_id != own_id:
        raise NotFound("not_found")
    row = _running(uow, entitlement, membership)
    before = row.seats if row is not None else 0
    more = command.seats - before
    if more > 0:
        require_right(membership, "allocate_seats")
        _require_allocatable(uow, entitlement, more)
    if row is not None and command.seats < row.seats_used:
        raise Conflict("allocation_in_use", used=row.seats_used)
    if more == 0:
        return row
    # Under its lock: the constraint that own and allocated seats are no more than were bought is the second net.
    entitlement.seats_allocated += more
    if row is None:
        row = _begin(uow, entitlement, membership, command.seats)
    elif command.seats == 0:
        row.ended_at, row.ended_for = clock.now(), "taken_back"
        emit(uow, AllocationEnded(**fact_of(row), seats=before, reason="taken_back", person_ids=[]))
    else:
        row.seats = command.seats
    uow.flush()
    if command.seats:
        emit(uow, SeatsAllocated(**fact_of(row), seats=command.seats, before=before))
    _tell_seller(uow, entitlement)
    return row if command.seats else None


def leave_group(uow: UnitOfWork, membership_id: UUID) -> GroupMembership:
    """End a membership of a group, by either side. Seats that were allocated by it are given back at once, and whoever held one
    is told. Ended already, nothing changes.

    Raises: as `end_group`. Emits: GroupEnded, AllocationEnded.
    Locks: the membership, then the entitlements by ascending id, then their allocations, as `allocate_seats` does.
    """
    row = end_group(uow, membership_id)
    with as_platform(uow):
        for entitlement in end_of_membership(uow, row):
            change_entitlement(uow, entitlement)
        # A subsidiary that leaves may not write its headquarters' history.
        uow.flush_outbox()
    return row


def _running(uow: UnitOfWork, entitlement: Entitlement, membership: GroupMembership) -> SeatAllocation | None:
    """Locked."""
    found = uow.session.scalar(
        select(SeatAllocation.id).where(
            SeatAllocation.hq_org_id == entitlement.buyer_org_id,
            SeatAllocation.entitlement_id == entitlement.id,
            SeatAllocation.membership_id == membership.id,
            SeatAllocation.ended_at.is_(None),
        )
    )
    return lock_row(uow.session, SeatAllocation, found) if found is not None else None


def _require_allocatable(uow: UnitOfWork, entitlement: Entitlement, more: int) -> None:
    """Raises Conflict, as `allocate_seats`."""
    if not is_in_force(entitlement.state, entitlement.valid_to):
        state = "expired" if entitlement.state == "active" else entitlement.state
        raise Conflict("entitlement_not_active", state=state)
    with as_platform(uow):
        is_course = uow.session.scalar(select(exists().where(CourseEpisode.listing_id == entitlement.listing_id)))
    if entitlement.seats == 0 or is_course:
        raise Conflict("seats_not_allocatable")
    left = entitlement.seats - entitlement.seats_used - entitlement.seats_allocated
    if more > left:
        raise Conflict("seats_too_few", left=left)


def _begin(uow: UnitOfWork, entitlement: Entitlement, membership: GroupMembership, seats: int) -> SeatAllocation:
    row = SeatAllocation(
        id=uuid7(),
        hq_org_id=membership.hq_org_id,
        org_id=membership.org_id,
        entitlement_id=entitlement.id,
        membership_id=membership.id,
        seats=seats,
        seats_used=0,
        created_at=clock.now(),
        ended_at=None,
        ended_for=None,
    )
    uow.session.add(row)
    return row


def _tell_seller(uow: UnitOfWork, entitlement: Entitlement) -> None:
    with as_platform(uow):
        tell_allocations(uow, entitlement)
        change_entitlement(uow, entitlement)
