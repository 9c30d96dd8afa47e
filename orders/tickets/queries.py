"""What each side reads of its tickets, the platform of those that wait too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, bounded, cut, newest_first
from marketplace.access.models import Person
from orders.conversations.queries import ConversationFile
from orders.conversations.sides import MANAGE, Side
from orders.order.models import Order
from orders.tickets.models import Ticket, TicketHandover, TicketMessage
from orders.tickets.work_ticket import ticket_side

Assigned = Literal["mine", "nobody"]
"""Whose: the acting person's, or nobody's. Closed ones are no longer anybody's."""
FIGURES_OF = timedelta(days=90)
"""How far back a seller's own figures go."""


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as both sides see it. `is_late`: the first answer is due and not there, or came late."""

    id: UUID
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    order_id: UUID
    order_number: str
    subject: str
    severity: str
    state: str
    first_due_at: datetime
    first_answered_at: datetime | None
    is_late: bool
    escalated_at: datetime | None
    closes_at: datetime | None
    """Of a resolved one: until when its buyer may open it again."""
    rating: int | None
    rating_text: str
    last_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SellerTicketView:
    """The same with who of the seller's members takes care of it."""

    ticket: TicketView
    assigned_to: UUID | None
    assigned_name: str | None


@dataclass(frozen=True, slots=True)
class TicketHandoverView:
    """Who had it from then on; `name` is empty where nobody did."""

    person_id: UUID | None
    name: str
    by: str
    note: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TicketMessageView:
    """What a side wrote. `author`: of one's own side the person, else empty."""

    id: UUID
    number: int
    side: str
    author: str
    text: str
    file_name: str | None
    media_type: str | None
    size_bytes: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TicketFigures:
    """How a seller's tickets were answered: half of the first answers within `median_s`; None without any."""

    tickets: int
    answered: int
    median_s: int | None
    late: int


def list_own_tickets(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, state: str | None = None
) -> Page[TicketView]:
    """The acting buyer's, the latest message first."""
    return _listed(uow, Ticket.buyer_org_id == uow.principal.organization(), cursor, limit, state)


def list_seller_tickets(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    state: str | None = None,
    assigned: Assigned | None = None,
) -> Page[SellerTicketView]:
    """The acting seller's, the latest message first. Raises Forbidden(`permission_missing`) without leads.manage."""
    uow.principal.require(MANAGE)
    found = _seller_tickets().where(Ticket.seller_org_id == uow.principal.organization())
    if state is not None:
        found = found.where(Ticket.state == state)
    if assigned is not None:
        carer = uow.principal.person_id if assigned == "mine" else None
        found = found.where(Ticket.assigned_to.is_not_distinct_from(carer), Ticket.state != "closed")
    rows = uow.session.execute(newest_first(found, Ticket.last_at, Ticket.id, cursor, limit)).all()
    views = [_seller_view(row) for row in rows]
    return cut(views, limit, lambda one: (one.ticket.last_at, one.ticket.id))


def get_seller_ticket(uow: UnitOfWork, ticket_id: UUID) -> SellerTicketView:
    """One of the acting seller's. Raises NotFound(`ticket_not_found`), the buyer included; Forbidden."""
    _, side = find_ticket(uow, ticket_id)
    if side != "seller":
        raise NotFound("ticket_not_found")
    return _seller_view(uow.session.execute(_seller_tickets().where(Ticket.id == ticket_id)).one())


def ticket_handovers(uow: UnitOfWork, ticket_id: UUID) -> Sequence[TicketHandoverView]:
    """Who of the acting seller's members had a ticket, the first of them first."""
    by = aliased(Person)
    rows = uow.session.execute(
        select(TicketHandover, Person.name, by.name)
        .join(by, by.id == TicketHandover.by)
        .join(Person, Person.id == TicketHandover.person_id, isouter=True)
        .where(TicketHandover.ticket_id == ticket_id, TicketHandover.seller_org_id == uow.principal.organization())
        .order_by(TicketHandover.created_at, TicketHandover.id)
    )
    return [TicketHandoverView(one.person_id, name or "", giver, one.note, one.created_at) for one, name, giver in rows]


def list_escalated_tickets(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[TicketView]:
    """Those that wait beyond their second term, the latest first. For operators alone."""
    uow.principal.require("operator.read")
    found = _tickets().where(Ticket.escalated_at.is_not(None), Ticket.state == "open")
    rows = uow.session.execute(newest_first(found, Ticket.escalated_at, Ticket.id, cursor, limit)).all()
    views = [_view(row) for row in rows]
    return cut(views, limit, lambda one: (one.escalated_at or one.created_at, one.id))


def get_ticket(uow: UnitOfWork, ticket_id: UUID) -> TicketView:
    """One of the acting organization's, on either side. Raises NotFound(`ticket_not_found`), Forbidden."""
    find_ticket(uow, ticket_id)
    return _view(uow.session.execute(_tickets().where(Ticket.id == ticket_id)).one())


def find_ticket(uow: UnitOfWork, ticket_id: UUID) -> tuple[Ticket, Side]:
    """The row, and which side of it acts. Raises as `get_ticket`."""
    row = uow.session.get(Ticket, ticket_id)
    if row is None:
        raise NotFound("ticket_not_found")
    return row, ticket_side(uow, row)


def ticket_messages(uow: UnitOfWork, ticket_id: UUID, *, limit: int = 100) -> Sequence[TicketMessageView]:
    """The latest of what was written, the oldest of them first. Raises as `get_ticket`."""
    _, side = find_ticket(uow, ticket_id)
    rows = uow.session.execute(
        select(TicketMessage, Person.name)
        .join(Person, (Person.id == TicketMessage.person_id) & (TicketMessage.side == side), isouter=True)
        .where(TicketMessage.ticket_id == ticket_id)
        .order_by(TicketMessage.number.desc())
        .limit(bounded(limit))
    ).all()
    return [
        TicketMessageView(
            one.id,
            one.number,
            one.side,
            name or "",
            one.text,
            one.file_name,
            one.media_type,
            one.size_bytes,
            one.created_at,
        )
        for one, name in reversed(rows)
    ]


def find_ticket_file(uow: UnitOfWork, ticket_id: UUID, message_id: UUID) -> ConversationFile:
    """The file of a message. Raises as `get_ticket`; NotFound(`not_found`) where there is none."""
    find_ticket(uow, ticket_id)
    found = uow.session.get(TicketMessage, message_id)
    if found is None or found.ticket_id != ticket_id or found.file_key is None:
        raise NotFound("not_found")
    return ConversationFile(found.file_key, found.file_name or "file", found.media_type or "application/octet-stream")


def own_ticket_figures(uow: UnitOfWork) -> TicketFigures:
    """Of the acting seller's tickets of the last 90 days; time as it goes by. Raises Forbidden without `leads.manage`."""
    uow.principal.require(MANAGE)
    waited = func.extract("epoch", Ticket.first_answered_at - Ticket.created_at)
    late = func.coalesce(Ticket.first_answered_at, clock.now()) > Ticket.first_due_at
    figures = (
        func.count(),
        func.count(Ticket.first_answered_at),
        func.percentile_disc(0.5).within_group(waited.asc()),
        func.count().filter(late),
    )
    own = Ticket.seller_org_id == uow.principal.organization()
    row = uow.session.execute(select(*figures).where(own, Ticket.created_at > clock.now() - FIGURES_OF)).one()
    return TicketFigures(row[0], row[1], None if row[2] is None else int(row[2]), row[3])


def _listed(uow: UnitOfWork, mine: Any, cursor: str | None, limit: int, state: str | None) -> Page[TicketView]:
    found = _tickets().where(mine)
    if state is not None:
        found = found.where(Ticket.state == state)
    rows = uow.session.execute(newest_first(found, Ticket.last_at, Ticket.id, cursor, limit)).all()
    return cut([_view(row) for row in rows], limit, lambda one: (one.last_at, one.id))


def _tickets() -> Select[Any]:
    joined: Any = select(Ticket, Order).join(Order, Order.id == Ticket.order_id)
    statement: Select[Any] = joined
    return statement


def _seller_tickets() -> Select[Any]:
    joined: Any = (
        select(Ticket, Order, Person.name)
        .join(Order, Order.id == Ticket.order_id)
        .join(Person, Person.id == Ticket.assigned_to, isouter=True)
    )
    statement: Select[Any] = joined
    return statement


def _seller_view(row: Any) -> SellerTicketView:
    ticket, order, name = row
    return SellerTicketView(_view((ticket, order)), ticket.assigned_to, name)


def _view(row: Any) -> TicketView:
    ticket, order = row
    now = clock.now()
    answered = ticket.first_answered_at
    is_open = ticket.state != "closed"
    return TicketView(
        id=ticket.id,
        buyer_org_id=ticket.buyer_org_id,
        buyer_name=order.buyer_name,
        seller_org_id=ticket.seller_org_id,
        seller_name=order.seller_name,
        order_id=order.id,
        order_number=order.number,
        subject=ticket.subject,
        severity=ticket.severity,
        state=ticket.state,
        first_due_at=ticket.first_due_at,
        first_answered_at=answered,
        is_late=answered > ticket.first_due_at if answered is not None else is_open and now > ticket.first_due_at,
        escalated_at=ticket.escalated_at,
        closes_at=ticket.due_at if ticket.state == "resolved" else None,
        rating=ticket.rating,
        rating_text=ticket.rating_text,
        last_at=ticket.last_at,
        created_at=ticket.created_at,
    )
