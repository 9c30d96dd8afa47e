"""Facts about conversations."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from kernel.events import Event


class ConversationMessageSent(Event):
    """One side wrote to the other. `begins`: the other side spoke last, or this one some time ago."""

    topic: ClassVar[str] = "orders.conversation_message_sent.v1"
    conversation_id: UUID
    message_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    side: Literal["buyer", "seller"]
    begins: bool


class ConversationHandedOver(Event):
    """A member of the seller is responsible from now on: `by` gave it to them."""

    topic: ClassVar[str] = "orders.conversation_handed_over.v1"
    conversation_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    person_id: UUID
    by: UUID
