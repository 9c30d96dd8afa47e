"""Facts of services that are delivered in milestones."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class ServiceOrdered(Event):
    """A paid order waits for its seller to take it on; until then nothing of it is due."""

    topic: ClassVar[str] = "orders.service_ordered.v1"
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class ServiceTakenOn(Event):
    """The seller took an order on: its milestones are due from now on."""

    topic: ClassVar[str] = "orders.service_taken_on.v1"
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class MilestoneDelivered(Event):
    """The seller delivered; the buyer accepts it, asks for rework, or lets the clock accept it."""

    topic: ClassVar[str] = "orders.milestone_delivered.v1"
    milestone_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    version: int


class MilestoneReworkAsked(Event):
    """The buyer wants what was delivered done again."""

    topic: ClassVar[str] = "orders.milestone_rework_asked.v1"
    milestone_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    version: int


class MilestoneAcceptanceNear(Event):
    """The clock is about to accept what was delivered."""

    topic: ClassVar[str] = "orders.milestone_acceptance_near.v1"
    milestone_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    version: int


class MilestoneAccepted(Event):
    """A milestone was accepted, by its buyer or `by_clock`; its money is released."""

    topic: ClassVar[str] = "orders.milestone_accepted.v1"
    milestone_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    by_clock: bool


class MilestoneOverdue(Event):
    """A milestone was not delivered by the day it was due."""

    topic: ClassVar[str] = "orders.milestone_overdue.v1"
    milestone_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class MilestoneCancelled(Event):
    """A milestone was not delivered and will not be; its money goes back."""

    topic: ClassVar[str] = "orders.milestone_cancelled.v1"
    milestone_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    reason: str
