"""A ticket's way: a buyer opens it, both write, the seller says that it is settled, the buyer closes it with a rating."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.text import plain_text
from marketplace.access.counted_limits import Limit, count_within
from marketplace.input_text import line, paragraphs
from marketplace.service_windows.hours import after_service_time
from marketplace.service_windows.save_window import service_window_of
from orders.conversations.sides import MANAGE, Side
from orders.conversations.write import MAX_MESSAGE, TWICE, SentFile
from orders.order.models import Order
from orders.tickets.events import TicketClosed, TicketOpened, TicketWritten
from orders.tickets.models import SEVERITIES, TICKET, Ticket, TicketHandover, TicketMessage

FIRST_ANSWER: Final[Mapping[str, timedelta]] = {
    "critical": timedelta(hours=2),
    "high": timedelta(hours=4),
    "normal": timedelta(hours=8),
    "low": timedelta(hours=16),
}
"""Of the seller's hours of service, by severity; as long again until the platform looks at it."""
REOPENED_WITHIN = timedelta(days=7)
"""After it was resolved; then it is closed."""
OF_ORGANIZATION = Limit(50, timedelta(days=1))
TOO_OFTEN = "tickets_too_often"
MAX_SUBJECT = 200
MAX_RATING_TEXT = 1_000
SUPPORTED = ("paid", "fulfilling", "active", "completed", "delivery_failed", "refunded")
"""States of orders that were bought."""
MAY_OPEN = ("orders.read", "entitlements.read")
"""Whoever may see what was bought may ask for help with it."""


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """What help is needed with, how badly, and in which words."""

    order_id: UUID
    subject: str
    text: str
    severity: str = "normal"


def open_ticket(uow: UnitOfWork, command: OpenTicket) -> Ticket:
    """Ask the seller of an order for help. Its clock runs in the seller's hours from now on.

    Raises:
        Forbidden: `person_required`; `permission_missing` without orders.read and entitlements.read.
        NotFound: `not_found`: no order of the acting buyer. Conflict: `ticket_order_unpaid`.
        Invalid: `ticket_severity_unknown`, `text_required`, `text_too_long`. TooMany: `tickets_too_often`.

    Emits: TicketOpened.
    """
    buyer_id, person_id = uow.principal.organization(), uow.principal.person()
    if not any(map(uow.principal.may, MAY_OPEN)):
        raise Forbidden("permission_missing", permission=MAY_OPEN[0])
    if command.severity not in SEVERITIES:
        raise Invalid("ticket_severity_unknown", field="severity")
    subject, text = line("subject", command.subject, MAX_SUBJECT), _words(command.text, None)
    mine = (Order.id == command.order_id, Order.buyer_org_id == buyer_id)
    order = uow.session.scalars(select(Order).where(*mine)).one_or_none()
    if order is None:
        raise NotFound("not_found")
    if not may_have_tickets(order.state):
        raise Conflict("ticket_order_unpaid")
    with as_platform(uow):
        count_within(uow, OF_ORGANIZATION, TOO_OFTEN, "ticket_organization", str(buyer_id))
    now = clock.now()
    hours = service_window_of(uow, order.seller_org_id).hours
    due_at = after_service_time(hours, now, FIRST_ANSWER[command.severity])
    ticket = Ticket(
        id=uuid7(),
        buyer_org_id=buyer_id,
        seller_org_id=order.seller_org_id,
        order_id=order.id,
        subject=subject,
        severity=command.severity,
        opened_by=person_id,
        first_due_at=due_at,
        first_answered_at=None,
        due_at=due_at,
        breached_at=None,
        escalated_at=None,
        assigned_to=None,
        last_number=0,
        last_at=now,
        rating=None,
        rating_text="",
        created_at=now,
    )
    TICKET.begin(uow, ticket, org_ids=ticket.parties)
    ticket.last_number = 1
    uow.session.add(ticket)
    uow.flush()
    _add(uow, ticket, "buyer", text, None, number=1)
    emit(uow, TicketOpened(**named(ticket)))
    return ticket


def write_on_ticket(
    uow: UnitOfWork, ticket_id: UUID, text: str, file: SentFile | None = None, *, resolves: bool = False
) -> TicketMessage:
    """Write to the other side. The seller's first words stop the clock; `resolves`: they settle it, as the seller says.

    What the buyer writes on a resolved ticket within seven days opens it again. Whoever answers takes care of it, where nobody
    does.

    Raises:
        Forbidden: `person_required`, `permission_missing`. NotFound: `ticket_not_found`.
        Conflict: `ticket_closed`; `ticket_resolved_by_seller` when a buyer resolves. Invalid: `text_required`, `text_too_long`.

    Emits: TicketWritten. Locks: the ticket.
    """
    ticket, side = lock_ticket(uow, ticket_id)
    cleaned = _words(text, file)
    if resolves and side != "seller":
        raise Conflict("ticket_resolved_by_seller")
    same = _sent_already(uow, ticket, cleaned, file)
    if same is not None:
        return same
    now = clock.now()
    if ticket.state == "closed" or (ticket.state == "resolved" and ticket.due_at is not None and ticket.due_at <= now):
        raise Conflict("ticket_closed")
    if side == "seller":
        if ticket.first_answered_at is None:
            ticket.first_answered_at = now
        _settle(uow, ticket, "resolved" if resolves or ticket.state == "resolved" else "waiting_buyer")
        if ticket.assigned_to is None:
            give_ticket(uow, ticket, uow.principal.person())
    elif ticket.state != "open":
        _settle(uow, ticket, "waiting_seller")
    ticket.last_number += 1
    ticket.last_at = now
    message = _add(uow, ticket, side, cleaned, file, number=ticket.last_number)
    emit(uow, TicketWritten(**named(ticket), side=side, resolves=ticket.state == "resolved"))
    return message


def close_ticket(uow: UnitOfWork, ticket_id: UUID, *, rating: int | None = None, text: str = "") -> Ticket:
    """The buyer needs nothing more, and says how it was helped. Closed already by itself, it may still be rated once.

    Raises:
        NotFound: `ticket_not_found`, the seller included. Invalid: `ticket_rating_unknown`, `text_too_long`.
        Conflict: `ticket_closed` when it was rated before.

    Emits: TicketClosed. Locks: the ticket.
    """
    ticket, side = lock_ticket(uow, ticket_id)
    if side != "buyer":
        raise NotFound("ticket_not_found")
    if rating is not None and not 1 <= rating <= 5:
        raise Invalid("ticket_rating_unknown", field="rating")
    said = paragraphs("text", text, MAX_RATING_TEXT)
    if said and rating is None:
        raise Invalid("ticket_rating_unknown", field="rating")
    if ticket.state == "closed" and (rating is None or ticket.rating is not None):
        if (ticket.rating, ticket.rating_text) == (rating, said) or rating is None:
            return ticket
        raise Conflict("ticket_closed")
    moved = TICKET.move(uow, ticket, "closed", org_ids=ticket.parties)
    ticket.due_at = None
    ticket.rating, ticket.rating_text = rating, said
    uow.flush()
    if moved or rating is not None:
        emit(uow, TicketClosed(**named(ticket), rating=rating))
    return ticket


def may_have_tickets(order_state: str) -> bool:
    """Whether an order in this state is helped with: it was bought, whatever became of it."""
    return order_state in SUPPORTED


def named(ticket: Ticket) -> dict[str, Any]:
    """What each of its events says."""
    return {"ticket_id": ticket.id, "buyer_org_id": ticket.buyer_org_id, "seller_org_id": ticket.seller_org_id}


def ticket_side(uow: UnitOfWork, ticket: Ticket) -> Side:
    """Which side of a ticket acts. Raises NotFound(`ticket_not_found`), Forbidden(`permission_missing`)."""
    org_id = uow.principal.organization()
    if ticket.buyer_org_id == org_id:
        return "buyer"
    if ticket.seller_org_id != org_id:
        raise NotFound("ticket_not_found")
    uow.principal.require(MANAGE)
    return "seller"


def lock_ticket(uow: UnitOfWork, ticket_id: UUID) -> tuple[Ticket, Side]:
    """A ticket of the acting organization, locked. Raises as `ticket_side`."""
    found = lock_row(uow.session, Ticket, ticket_id)
    if found is None:
        raise NotFound("ticket_not_found")
    return found, ticket_side(uow, found)


def give_ticket(uow: UnitOfWork, ticket: Ticket, person_id: UUID | None, note: str = "") -> Ticket:
    """Somebody of its seller's, or nobody, takes care of a ticket that is locked from now on: who had it before is kept."""
    ticket.assigned_to = person_id
    uow.session.add(
        TicketHandover(
            id=uuid7(),
            ticket_id=ticket.id,
            seller_org_id=ticket.seller_org_id,
            person_id=person_id,
            by=uow.principal.person(),
            note=note,
            created_at=clock.now(),
        )
    )
    uow.flush()
    return ticket


def _settle(uow: UnitOfWork, ticket: Ticket, state: str) -> None:
    """An answered ticket has no clock but that of what was resolved."""
    TICKET.move(uow, ticket, state, org_ids=ticket.parties)
    ticket.due_at = clock.now() + REOPENED_WITHIN if state == "resolved" else None


def _words(text: str, file: SentFile | None) -> str:
    cleaned = paragraphs("text", text, MAX_MESSAGE)
    if not cleaned and file is None:
        raise Invalid("text_required", field="text")
    return cleaned


def _sent_already(uow: UnitOfWork, ticket: Ticket, text: str, file: SentFile | None) -> TicketMessage | None:
    """The same file with the same words by the same person a moment ago: the button was pressed twice."""
    if file is None:
        return None
    return uow.session.scalars(
        select(TicketMessage)
        .where(
            TicketMessage.ticket_id == ticket.id,
            TicketMessage.number == ticket.last_number,
            TicketMessage.person_id == uow.principal.person(),
            TicketMessage.sha256 == file.stored.sha256,
            TicketMessage.text == text,
            TicketMessage.created_at > clock.now() - TWICE,
        )
        .limit(1)
    ).one_or_none()


def _add(
    uow: UnitOfWork, ticket: Ticket, side: Side, text: str, file: SentFile | None, *, number: int
) -> TicketMessage:
    message = TicketMessage(
        id=uuid7(),
        ticket_id=ticket.id,
        buyer_org_id=ticket.buyer_org_id,
        seller_org_id=ticket.seller_org_id,
        number=number,
        side=side,
        person_id=uow.principal.person(),
        text=text,
        file_key=file.stored.key if file else None,
        file_name=(plain_text(file.file_name)[:200] or "file") if file else None,
        media_type=file.media_type if file else None,
        size_bytes=file.stored.size_bytes if file else None,
        sha256=file.stored.sha256 if file else None,
        created_at=clock.now(),
    )
    uow.session.add(message)
    uow.flush()
    return message
