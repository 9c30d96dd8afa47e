"""Whom each step of a ticket is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.order.models import Order
from orders.tickets.events import (
    TicketBreached,
    TicketClosed,
    TicketEscalated,
    TicketHandedOver,
    TicketOpened,
    TicketWritten,
)
from orders.tickets.models import Ticket

OWNERS = "members.manage"
"""Of a late answer the seller's owners and admins are told."""


@notifies_of(TicketOpened)
def ticket_opened(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever takes care of the seller's customers."""
    for event, ticket, params in _tickets(uow, events):
        yield _to_seller(event, "ticket_opened", ticket, params)


@notifies_of(TicketWritten)
def ticket_written(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The other side: of the buyer whoever opened it, of the seller whoever takes care of it."""
    for event, ticket, params in _tickets(uow, events):
        if event.payload["side"] == "buyer":
            yield _to_seller(event, "ticket_written", ticket, params, person_id=ticket.assigned_to)
            continue
        kind = "ticket_resolved" if event.payload["resolves"] else "ticket_answered"
        path = f"/tickets/{ticket.id}"
        yield NewNotification(
            event.id, event.at, kind, path, params, org_id=ticket.buyer_org_id, person_id=ticket.opened_by
        )


@notifies_of(TicketHandedOver)
def ticket_handed_over(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who is to take care of it, unless they took it themselves."""
    for event, ticket, params in _tickets(uow, events):
        if event.payload["person_id"] != event.payload["by"]:
            yield _to_seller(event, "ticket_handed_over", ticket, params, person_id=event.uuid("person_id"))


@notifies_of(TicketBreached)
def ticket_breached(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller's owners and admins, who see to it that somebody answers."""
    for event, ticket, params in _tickets(uow, events):
        yield _to_seller(event, "ticket_breached", ticket, params, OWNERS)


@notifies_of(TicketEscalated)
def ticket_escalated(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The platform's operators."""
    for event, _, params in _tickets(uow, events):
        yield NewNotification(
            event.id,
            event.at,
            "ticket_escalated",
            "/operator/tickets",
            params,
            org_id=PLATFORM_ORG_ID,
            permission="operator.read",
        )


@notifies_of(TicketClosed)
def ticket_closed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller learns how it helped."""
    for event, ticket, params in _tickets(uow, events):
        if event.payload["rating"] is not None:
            yield _to_seller(event, "ticket_rated", ticket, params)


def _to_seller(
    event: RecordedEvent,
    kind: str,
    ticket: Ticket,
    params: dict[str, str],
    permission: str = "leads.manage",
    person_id: UUID | None = None,
) -> NewNotification:
    """To one person, or to all who have the permission."""
    return NewNotification(
        event.id,
        event.at,
        kind,
        f"/seller/tickets/{ticket.id}",
        params,
        org_id=ticket.seller_org_id,
        person_id=person_id,
        permission=None if person_id else permission,
    )


def _tickets(
    uow: UnitOfWork, events: Sequence[RecordedEvent]
) -> Iterable[tuple[RecordedEvent, Ticket, dict[str, str]]]:
    rows = uow.session.execute(
        select(Ticket, Order.buyer_name, Order.seller_name)
        .join(Order, Order.id == Ticket.order_id)
        .where(Ticket.id.in_([event.uuid("ticket_id") for event in events]))
    )
    found = {ticket.id: (ticket, buyer, seller) for ticket, buyer, seller in rows}
    for event in events:
        ticket, buyer, seller = found[event.uuid("ticket_id")]
        yield event, ticket, {"subject": ticket.subject, "buyer": buyer, "seller": seller}
