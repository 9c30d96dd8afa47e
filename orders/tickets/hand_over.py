"""Who of the seller's members takes care of a ticket: taken, handed over with a note, given up."""

from __future__ import annotations

from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from marketplace.access.models import Person
from marketplace.input_text import paragraphs
from orders.conversations.work import name_of_carer
from orders.tickets.events import TicketHandedOver
from orders.tickets.models import Ticket
from orders.tickets.work_ticket import give_ticket, lock_ticket, named

MAX_NOTE = 1_000


def take_ticket(uow: UnitOfWork, ticket_id: UUID) -> Ticket:
    """Take care of a ticket oneself. One's own already, nothing changes.

    Raises:
        Forbidden: `permission_missing` without leads.manage, `person_required`.
        NotFound: `ticket_not_found`, the buyer included.
        Conflict: `ticket_taken` with `name`: a colleague takes care of it; `ticket_closed`.

    Locks: the ticket.
    """
    ticket, person_id = _own(uow, ticket_id), uow.principal.person()
    if ticket.assigned_to == person_id:
        return ticket
    if ticket.assigned_to is not None:
        raise Conflict("ticket_taken", name=uow.session.get_one(Person, ticket.assigned_to).name)
    return give_ticket(uow, ticket, person_id)


def hand_ticket_over(uow: UnitOfWork, ticket_id: UUID, person_id: UUID | None, note: str = "") -> Ticket:
    """Say which member takes care of a ticket from now on, None for nobody; the note is for the seller's own people. Theirs
    already, nothing changes.

    Raises:
        as `take_ticket` but for `ticket_taken`; Invalid: `text_too_long`.
        NotFound: `member_not_found`: no active member who may take care of it.

    Emits: TicketHandedOver, unless nobody has it from now on. Locks: the ticket.
    """
    ticket = _own(uow, ticket_id)
    cleaned = paragraphs("note", note, MAX_NOTE)
    if person_id == ticket.assigned_to:
        return ticket
    if person_id is not None:
        name_of_carer(uow, person_id)
    give_ticket(uow, ticket, person_id, cleaned)
    if person_id is not None:
        emit(uow, TicketHandedOver(**named(ticket), person_id=person_id, by=uow.principal.person()))
    return ticket


def _own(uow: UnitOfWork, ticket_id: UUID) -> Ticket:
    ticket, side = lock_ticket(uow, ticket_id)
    if side != "seller":
        raise NotFound("ticket_not_found")
    if ticket.state == "closed":
        raise Conflict("ticket_closed")
    return ticket
