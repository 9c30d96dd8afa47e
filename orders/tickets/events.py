"""Facts about support tickets."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from kernel.events import Event


class TicketOpened(Event):
    """A buyer needs help with an order."""

    topic: ClassVar[str] = "orders.ticket_opened.v1"
    ticket_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class TicketWritten(Event):
    """One side wrote on a ticket. `resolves`: the seller says that this settles it."""

    topic: ClassVar[str] = "orders.ticket_written.v1"
    ticket_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    side: Literal["buyer", "seller"]
    resolves: bool


class TicketHandedOver(Event):
    """A member of the seller is to take care of it: `by` gave it to them."""

    topic: ClassVar[str] = "orders.ticket_handed_over.v1"
    ticket_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    person_id: UUID
    by: UUID


class TicketBreached(Event):
    """The seller's first answer is late."""

    topic: ClassVar[str] = "orders.ticket_breached.v1"
    ticket_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class TicketEscalated(Event):
    """A second term went by without an answer: the platform looks at it."""

    topic: ClassVar[str] = "orders.ticket_escalated.v1"
    ticket_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class TicketClosed(Event):
    """Nothing more is written on it. `rating`: the buyer's, where it gave one."""

    topic: ClassVar[str] = "orders.ticket_closed.v1"
    ticket_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    rating: int | None
