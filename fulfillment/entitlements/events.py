"""Facts of delivery. `reference` is the caller's own: fulfillment knows no orders."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class EntitlementActivated(Event):
    """The buying organization can use what it bought."""

    topic: ClassVar[str] = "fulfillment.entitlement_activated.v1"
    entitlement_id: UUID
    reference: UUID
    group_reference: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class SeatAssigned(Event):
    """A member was given a place under an entitlement in force."""

    topic: ClassVar[str] = "fulfillment.seat_assigned.v1"
    seat_id: UUID
    entitlement_id: UUID
    listing_id: UUID
    person_id: UUID
    buyer_org_id: UUID


class DeliveryFailed(Event):
    """Provisioning failed for good, or missed its deadline."""

    topic: ClassVar[str] = "fulfillment.delivery_failed.v1"
    entitlement_id: UUID
    reference: UUID
    group_reference: UUID
    run_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    reason: str


class ChangeFailed(Event):
    """The seller's system was not told of a change: it refused for good, or did not answer in time."""

    topic: ClassVar[str] = "fulfillment.change_failed.v1"
    entitlement_id: UUID
    reference: UUID
    group_reference: UUID
    run_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    reason: str


class DataRetentionEnds(Event):
    """What a buyer left in the seller's system after the end will not be kept for much longer."""

    topic: ClassVar[str] = "fulfillment.data_retention_ends.v1"
    entitlement_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class EntitlementEnded(Event):
    """The buying organization may no longer use it."""

    topic: ClassVar[str] = "fulfillment.entitlement_ended.v1"
    entitlement_id: UUID
    reference: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    reason: str
