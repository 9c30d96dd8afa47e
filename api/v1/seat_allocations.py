"""Seats that a headquarters allocates, or a dealer orders for an end customer, and that these give to members of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, StrictInt, Wire, idempotent_command, list_page
from api.v1.entitlements import LaunchOut, SeatIn
from fulfillment.entitlements.queries import get_entitlement
from fulfillment.seat_allocations.allocate import ASSIGN, AllocateSeats, allocate_seats
from fulfillment.seat_allocations.assign import assign_allocated_seat, revoke_allocated_seat
from fulfillment.seat_allocations.queries import (
    AllocatedSeatRow,
    OwnAllocationDetail,
    SeatHolderRow,
    allocations_of_group,
    get_own_allocation,
    holders_of_member,
    launch_allocated,
    list_own_allocations,
)
from kernel.db.uow import UnitOfWork
from marketplace.groups.memberships import MANAGE
from marketplace.pricing.shapes import MAX_SEATS

READ = "entitlements.read"
TAGS = ["entitlements"]


class AllocateSeatsIn(Wire):
    """How many seats the subsidiary has from now on; 0 takes them back."""

    seats: Annotated[StrictInt, Field(ge=0, le=MAX_SEATS, examples=[60])]


class AllocationOut(Out):
    """Seats of a product that a headquarters allocated to a subsidiary, as the headquarters reads it: numbers, no names."""

    id: UUID
    membership_id: UUID
    member_org_id: UUID
    member_name: str
    entitlement_id: UUID
    title: Annotated[str, Meta(examples=["云帆客户管理"])]
    title_en: Annotated[str, Meta(examples=["Yunfan CRM"])]
    seller_name: str
    state: Annotated[str, Meta(examples=["active"])]
    seats: Annotated[int, Meta(examples=[60], description="The subsidiary's own limit")]
    seats_used: Annotated[int, Meta(examples=[41])]
    valid_to: datetime | None
    created_at: datetime


class OwnAllocationOut(Out):
    """Seats that one's headquarters allocated, or what a dealer ordered for one. It is their purchase: its price and order are
    not told.
    """

    id: UUID
    by_dealer: Annotated[bool, Meta(description="Whether a dealer ordered it for your organization")]
    hq_name: Annotated[str, Meta(description="The headquarters, or the dealer")]
    title: Annotated[str, Meta(examples=["云帆客户管理"])]
    title_en: Annotated[str, Meta(examples=["Yunfan CRM"])]
    seller_name: str
    state: Annotated[str, Meta(examples=["active"])]
    seats: Annotated[int, Meta(examples=[60], description="0 of what a dealer ordered that is not sold by seats")]
    seats_used: Annotated[int, Meta(examples=[41])]
    valid_to: Annotated[datetime | None, Meta(description="Exclusive; null: without end")]
    may_launch: bool
    created_at: datetime
    ended_at: datetime | None
    ended_for: Annotated[
        str | None,
        Meta(description="taken_back, group_ended, entitlement_ended or fewer_seats; null while it runs"),
    ]


class OwnAllocationDetailOut(OwnAllocationOut):
    """The same, and who holds a seat."""

    holders: list[AllocatedSeatRow]

    @classmethod
    def of_detail(cls, detail: OwnAllocationDetail) -> OwnAllocationDetailOut:
        """From the query's rows."""
        return cls.of_row(detail.row, holders=list(detail.seats))


class AllocatedSeatOut(Out):
    """The seat that was given."""

    id: UUID
    seat_allocation_id: UUID
    person_id: UUID


@get("/v1/entitlements/{entitlement_id:uuid}/allocations", permission=READ, sync_to_thread=True, tags=TAGS)
def get_entitlement_allocations(entitlement_id: FromPath[UUID], request: ApiRequest) -> list[AllocationOut]:
    """What of an entitlement is allocated to which subsidiary, by name."""
    with request.transaction() as uow:
        get_entitlement(uow, entitlement_id)
        return [AllocationOut.of_row(one) for one in allocations_of_group(uow, entitlement_id=entitlement_id)]


@put(
    "/v1/entitlements/{entitlement_id:uuid}/allocations/{group_membership_id:uuid}",
    permission=ASSIGN,
    refuses=[404, 409],
    sync_to_thread=True,
    tags=TAGS,
)
def put_allocation(
    entitlement_id: FromPath[UUID],
    group_membership_id: FromPath[UUID],
    data: JSONBody[AllocateSeatsIn],
    request: ApiRequest,
) -> list[AllocationOut]:
    """Let a subsidiary have so many seats. Never more than are left, however many ask at once; never fewer than it uses.

    Answers with all allocations of the entitlement.
    """

    def work(uow: UnitOfWork) -> list[AllocationOut]:
        allocate_seats(uow, AllocateSeats(entitlement_id, group_membership_id, data.seats))
        uow.flush()
        return [AllocationOut.of_row(one) for one in allocations_of_group(uow, entitlement_id=entitlement_id)]

    return request.transact(work)


@get(
    "/v1/group-memberships/{group_membership_id:uuid}/seat-holders",
    permission=MANAGE,
    refuses=[409],
    sync_to_thread=True,
    tags=TAGS,
)
def get_seat_holders(group_membership_id: FromPath[UUID], request: ApiRequest) -> list[SeatHolderRow]:
    """Who in a subsidiary holds a seat that one allocated, by name, by the right `see_seat_holders`."""
    with request.transaction() as uow:
        return holders_of_member(uow, group_membership_id)


@get("/v1/seat-allocations", permission=READ, sync_to_thread=True, tags=TAGS)
def get_seat_allocations(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[OwnAllocationOut]]:
    """What one's headquarters allocated and what dealers ordered for one, the newest first; what has ended too."""
    return list_page(request, paging, list_own_allocations, OwnAllocationOut.of_row)


@get("/v1/seat-allocations/{seat_allocation_id:uuid}", permission=READ, sync_to_thread=True, tags=TAGS)
def get_seat_allocation(seat_allocation_id: FromPath[UUID], request: ApiRequest) -> OwnAllocationDetailOut:
    """One, with the holders of its seats."""
    with request.transaction() as uow:
        return OwnAllocationDetailOut.of_detail(get_own_allocation(uow, seat_allocation_id))


@post(
    "/v1/seat-allocations/{seat_allocation_id:uuid}/launch",
    permission=READ,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=TAGS,
)
def launch_allocation(seat_allocation_id: FromPath[UUID], request: ApiRequest) -> LaunchOut:
    """Where the product opens, while it may be used."""
    with request.transaction() as uow:
        return LaunchOut(url=launch_allocated(uow, seat_allocation_id))


@post(
    "/v1/seat-allocations/{seat_allocation_id:uuid}/seats",
    permission=ASSIGN,
    refuses=[409],
    sync_to_thread=True,
    tags=TAGS,
)
def post_allocated_seat(
    seat_allocation_id: FromPath[UUID], data: JSONBody[SeatIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[AllocatedSeatOut]:
    """Give a member a seat, out of what was allocated and never more."""

    def give(uow: UnitOfWork) -> AllocatedSeatOut:
        seat_id = assign_allocated_seat(uow, seat_allocation_id, data.person_id)
        return AllocatedSeatOut(id=seat_id, seat_allocation_id=seat_allocation_id, person_id=data.person_id)

    return idempotent_command(request, idempotency_key, data, give)


@delete(
    "/v1/seat-allocations/{seat_allocation_id:uuid}/seats/{allocated_seat_id:uuid}",
    permission=ASSIGN,
    sync_to_thread=True,
    tags=TAGS,
)
def delete_allocated_seat(
    seat_allocation_id: FromPath[UUID], allocated_seat_id: FromPath[UUID], request: ApiRequest
) -> None:
    """Take a seat back. Repeating it changes nothing."""
    request.transact(lambda uow: revoke_allocated_seat(uow, seat_allocation_id, allocated_seat_id))


routes = [
    get_entitlement_allocations,
    put_allocation,
    get_seat_holders,
    get_seat_allocations,
    get_seat_allocation,
    launch_allocation,
    post_allocated_seat,
    delete_allocated_seat,
]
