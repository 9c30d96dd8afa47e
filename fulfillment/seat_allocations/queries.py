"""Allocated seats as each side reads them: a headquarters in numbers, and in names by a right; a subsidiary its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from fulfillment.entitlements.allocation_models import AllocatedSeat, SeatAllocation
from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.validity import in_force, is_in_force, state_now
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.access.models import Person
from marketplace.end_customers.models import EndCustomer
from marketplace.groups.models import GroupMembership
from marketplace.groups.rights import get_own_subsidiary, reading_of_member
from marketplace.parties.models import Organization


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """Seats of a product that a headquarters allocated to a subsidiary, as the headquarters reads it."""

    id: UUID
    membership_id: UUID
    member_org_id: UUID
    member_name: str
    entitlement_id: UUID
    title: str
    title_en: str
    seller_name: str
    state: str
    seats: int
    seats_used: int
    valid_to: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AllocatableRow:
    """What a headquarters bought by the seat; `left` are neither taken nor allocated."""

    entitlement_id: UUID
    title: str
    title_en: str
    seller_name: str
    left: int


@dataclass(frozen=True, slots=True)
class OwnAllocationRow:
    """The same as the subsidiary, or the end customer of a dealer, reads it: what it may use, from whom, until when; nothing of
    its price or its order. `hq_name`: who bought it; `by_dealer`: a dealer, which ordered it for this organization.
    """

    id: UUID
    by_dealer: bool
    hq_name: str
    title: str
    title_en: str
    seller_name: str
    state: str
    seats: int
    seats_used: int
    valid_to: datetime | None
    may_launch: bool
    created_at: datetime
    ended_at: datetime | None
    ended_for: str | None


@dataclass(frozen=True, slots=True)
class AllocatedSeatRow:
    """A member's place, as the subsidiary reads it."""

    id: UUID
    person_id: UUID
    name: str
    email: str
    assigned_at: datetime


@dataclass(frozen=True, slots=True)
class OwnAllocationDetail:
    """An allocation with its taken seats, the first given first."""

    row: OwnAllocationRow
    seats: tuple[AllocatedSeatRow, ...]


@dataclass(frozen=True, slots=True)
class SeatHolderRow:
    """Whoever holds an allocated seat, as the headquarters reads it by the right `see_seat_holders`: no mail address."""

    allocation_id: UUID
    name: str
    assigned_at: datetime


def allocations_of_group(
    uow: UnitOfWork, *, membership_id: UUID | None = None, entitlement_id: UUID | None = None
) -> list[AllocationRow]:
    """What the acting headquarters has allocated now: in all, to one subsidiary, or of one entitlement; by name.

    Raises: of a `membership_id` as `get_own_subsidiary`.
    """
    if membership_id is not None:
        get_own_subsidiary(uow, membership_id)
    statement = (
        select(SeatAllocation, Entitlement, Organization.display_name, GroupMembership)
        .join(Entitlement, Entitlement.id == SeatAllocation.entitlement_id)
        .join(Organization, Organization.id == Entitlement.seller_org_id)
        .join(GroupMembership, GroupMembership.id == SeatAllocation.membership_id)
        .where(SeatAllocation.hq_org_id == uow.principal.organization(), SeatAllocation.ended_at.is_(None))
        .order_by(GroupMembership.org_name, GroupMembership.id, Entitlement.title, SeatAllocation.id)
    )
    if membership_id is not None:
        statement = statement.where(SeatAllocation.membership_id == membership_id)
    if entitlement_id is not None:
        statement = statement.where(SeatAllocation.entitlement_id == entitlement_id)
    return [
        AllocationRow(
            id=one.id,
            membership_id=membership.id,
            member_org_id=one.org_id,
            member_name=membership.org_name,
            entitlement_id=one.entitlement_id,
            title=of.title,
            title_en=of.title_en,
            seller_name=seller_name,
            state=_state(of),
            seats=one.seats,
            seats_used=one.seats_used,
            valid_to=of.valid_to,
            created_at=one.created_at,
        )
        for one, of, seller_name, membership in uow.session.execute(statement)
    ]


def allocatable(uow: UnitOfWork, *, limit: int = 100) -> list[AllocatableRow]:
    """What the acting organization bought by the seat and may use now, with the seats that are left; the newest first."""
    rows = uow.session.execute(
        select(Entitlement, Organization.display_name)
        .join(Organization, Organization.id == Entitlement.seller_org_id)
        .where(
            Entitlement.buyer_org_id == uow.principal.organization(),
            Entitlement.seats > 0,
            Entitlement.end_customer_id.is_(None),
            in_force(),
        )
        .order_by(Entitlement.created_at.desc(), Entitlement.id.desc())
        .limit(limit)
    )
    return [
        AllocatableRow(one.id, one.title, one.title_en, seller, one.seats - one.seats_used - one.seats_allocated)
        for one, seller in rows
    ]


def list_own_allocations(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, running: bool = False
) -> Page[OwnAllocationRow]:
    """What the acting organization was allocated as a subsidiary, and what dealers ordered for it, the newest first; those that
    ended too, unless `running`.
    """
    statement = select(SeatAllocation).where(SeatAllocation.org_id == uow.principal.organization())
    if running:
        statement = statement.where(SeatAllocation.ended_at.is_(None))
    rows = uow.session.scalars(
        newest_first(statement, SeatAllocation.created_at, SeatAllocation.id, cursor, limit)
    ).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(_own(uow, page.items), page.next_cursor)


def get_own_allocation(uow: UnitOfWork, allocation_id: UUID) -> OwnAllocationDetail:
    """One of the acting subsidiary, with its seats. Raises NotFound."""
    row = _get_own(uow, allocation_id)
    found = uow.session.execute(_seats(allocation_id, row.org_id).order_by(AllocatedSeat.assigned_at, AllocatedSeat.id))
    seats = tuple(
        AllocatedSeatRow(seat.id, seat.person_id, name, email, seat.assigned_at) for seat, name, email in found
    )
    return OwnAllocationDetail(_own(uow, [row])[0], seats)


def launch_allocated(uow: UnitOfWork, allocation_id: UUID) -> str:
    """Where the product opens for the acting subsidiary's members.

    Raises: NotFound; Conflict `allocation_ended`, `entitlement_not_active`, `entitlement_has_no_address`.
    """
    row = _get_own(uow, allocation_id)
    if row.ended_at is not None:
        raise Conflict("allocation_ended")
    of, _, _ = _public_parts(uow, [row])[row.id]
    if not is_in_force(of.state, of.valid_to):
        raise Conflict("entitlement_not_active", state="expired" if of.state == "active" else of.state)
    if of.launch_url is None:
        raise Conflict("entitlement_has_no_address")
    return str(of.launch_url)


def holders_of_member(uow: UnitOfWork, membership_id: UUID) -> list[SeatHolderRow]:
    """Who in a subsidiary holds a seat that the acting headquarters allocated, by name.

    Raises: as `reading_of_member` with `see_seat_holders`.
    """
    with reading_of_member(uow, membership_id, "see_seat_holders") as membership:
        found = uow.session.execute(
            _seats(None, membership.org_id)
            .join(SeatAllocation, SeatAllocation.id == AllocatedSeat.allocation_id)
            .where(SeatAllocation.membership_id == membership.id, SeatAllocation.ended_at.is_(None))
            .order_by(Person.name, AllocatedSeat.id)
        ).all()
    return [SeatHolderRow(seat.allocation_id, name, seat.assigned_at) for seat, name, _ in found]


def _get_own(uow: UnitOfWork, allocation_id: UUID) -> SeatAllocation:
    row = uow.session.get(SeatAllocation, allocation_id, populate_existing=True)
    if row is None or row.org_id != uow.principal.organization():
        raise NotFound("not_found")
    return row


def _seats(allocation_id: UUID | None, org_id: UUID) -> Select[Any, Any, Any]:
    statement = (
        select(AllocatedSeat, Person.name, Person.email)
        .join(Person, Person.id == AllocatedSeat.person_id)
        .where(AllocatedSeat.org_id == org_id, AllocatedSeat.revoked_at.is_(None))
    )
    return statement.where(AllocatedSeat.allocation_id == allocation_id) if allocation_id is not None else statement


def _own(uow: UnitOfWork, rows: Sequence[SeatAllocation]) -> list[OwnAllocationRow]:
    parts = _public_parts(uow, rows)
    return [
        OwnAllocationRow(
            id=one.id,
            by_dealer=one.end_customer_id is not None,
            hq_name=parts[one.id][2],
            title=parts[one.id][0].title,
            title_en=parts[one.id][0].title_en,
            seller_name=parts[one.id][1],
            state="ended" if one.ended_at else _state(parts[one.id][0]),
            seats=one.seats,
            seats_used=one.seats_used,
            valid_to=one.ended_at or parts[one.id][0].valid_to,
            may_launch=one.ended_at is None
            and parts[one.id][0].launch_url is not None
            and is_in_force(parts[one.id][0].state, parts[one.id][0].valid_to),
            created_at=one.created_at,
            ended_at=one.ended_at,
            ended_for=one.ended_for,
        )
        for one in rows
    ]


def _public_parts(uow: UnitOfWork, rows: Sequence[SeatAllocation]) -> dict[UUID, Any]:
    """By allocation of the acting subsidiary: title, state, term and address of the headquarters' entitlement, which is not its
    own to read, and who sells it and allocates it.
    """
    if not rows:
        return {}
    public = (
        *(Entitlement.title, Entitlement.title_en, Entitlement.state, Entitlement.valid_to),
        *(Entitlement.launch_url, Entitlement.trial_days, Entitlement.past_due_at),
    )
    with as_platform(uow):
        found = uow.session.execute(
            select(
                SeatAllocation.id, *public, Organization.display_name, GroupMembership.hq_name, EndCustomer.dealer_name
            )
            .join(Entitlement, Entitlement.id == SeatAllocation.entitlement_id)
            .join(Organization, Organization.id == Entitlement.seller_org_id)
            .join(GroupMembership, GroupMembership.id == SeatAllocation.membership_id, isouter=True)
            .join(EndCustomer, EndCustomer.id == SeatAllocation.end_customer_id, isouter=True)
            .where(SeatAllocation.id.in_([row.id for row in rows]))
        ).all()
    return {one.id: (one, one.display_name, one.hq_name or one.dealer_name) for one in found}


def _state(of: Any) -> str:
    return state_now(of.state, of.valid_to, of.trial_days, of.past_due_at)
