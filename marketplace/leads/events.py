"""Facts about leads."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from kernel.events import Event


class LeadArrived(Event):
    """Somebody asks a seller for a demo, a quote or advice."""

    topic: ClassVar[str] = "marketplace.lead_arrived.v1"
    lead_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class LeadMessageSent(Event):
    """One side wrote to the other."""

    topic: ClassVar[str] = "marketplace.lead_message_sent.v1"
    lead_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    side: Literal["buyer", "seller"]


class LeadAssigned(Event):
    """A member of the seller is to take care of a request: `by` gave it to them."""

    topic: ClassVar[str] = "marketplace.lead_assigned.v1"
    lead_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    person_id: UUID
    by: UUID


class LeadClosed(Event):
    """One side closed a request by hand: nothing that was offered on it holds any more."""

    topic: ClassVar[str] = "marketplace.lead_closed.v1"
    lead_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
