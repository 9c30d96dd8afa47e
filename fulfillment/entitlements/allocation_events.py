"""Facts about seats that a headquarters allocates, and about what a dealer orders for others."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class SeatsAllocated(Event):
    """A subsidiary has so many seats of what its headquarters bought from now on; before it had `before`."""

    topic: ClassVar[str] = "fulfillment.seats_allocated.v1"
    allocation_id: UUID
    entitlement_id: UUID
    hq_org_id: UUID
    member_org_id: UUID
    seats: int
    before: int


class AllocationEnded(Event):
    """The seats are the headquarters' own again; `person_ids` had one."""

    topic: ClassVar[str] = "fulfillment.allocation_ended.v1"
    allocation_id: UUID
    entitlement_id: UUID
    hq_org_id: UUID
    member_org_id: UUID
    seats: int
    reason: str
    person_ids: list[str]


class AllocatedSeatAssigned(Event):
    """A member of a subsidiary was given one of its allocated seats."""

    topic: ClassVar[str] = "fulfillment.allocated_seat_assigned.v1"
    allocated_seat_id: UUID
    allocation_id: UUID
    entitlement_id: UUID
    hq_org_id: UUID
    member_org_id: UUID
    person_id: UUID


class EndCustomerSupplied(Event):
    """What a dealer ordered for an end customer can be used by it from now on."""

    topic: ClassVar[str] = "fulfillment.end_customer_supplied.v1"
    entitlement_id: UUID
    buyer_org_id: UUID
    end_customer_org_id: UUID
