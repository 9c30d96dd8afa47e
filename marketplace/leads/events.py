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
