"""What the clock does with tickets: a late first answer is told, then goes to the platform; what was resolved closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.outbox import emit
from kernel.jobs.settle_each import settle_each
from marketplace.service_windows.hours import after_service_time
from marketplace.service_windows.save_window import service_window_of
from marketplace.test_clocks.own_time import lives_now
from orders.tickets.events import TicketBreached, TicketClosed, TicketEscalated
from orders.tickets.models import TICKET, Ticket
from orders.tickets.work_ticket import FIRST_ANSWER, named

SWEEP_TICKETS = "orders.tickets.sweep"
BATCH_SIZE = 100


@sweep(SWEEP_TICKETS, every=timedelta(minutes=1))
def sweep_tickets(transact: Transact) -> None:
    """Whatever of a ticket is due."""
    settle_each(transact, due_tickets, act_by_clock)


def due_tickets(uow: UnitOfWork) -> Sequence[UUID]:
    """Tickets at which the clock acts now, the longest due first."""
    due = select(Ticket.id).where(Ticket.due_at <= clock.now(), lives_now(Ticket.buyer_org_id))
    return uow.session.scalars(due.order_by(Ticket.due_at).limit(BATCH_SIZE)).all()


def act_by_clock(uow: UnitOfWork, ticket_id: UUID) -> bool:
    """One step of the clock. Returns False when the ticket went on meanwhile.

    Emits: TicketBreached, TicketEscalated or TicketClosed. Locks: the ticket.
    """
    ticket = lock_row(uow.session, Ticket, ticket_id)
    if ticket is None or ticket.due_at is None or ticket.due_at > clock.now():
        return False
    if ticket.state == "resolved":
        TICKET.move(uow, ticket, "closed", org_ids=ticket.parties, reason="by_clock")
        ticket.due_at = None
        emit(uow, TicketClosed(**named(ticket), rating=None))
    elif ticket.breached_at is None:
        ticket.breached_at = clock.now()
        hours = service_window_of(uow, ticket.seller_org_id).hours
        ticket.due_at = after_service_time(hours, ticket.first_due_at, FIRST_ANSWER[ticket.severity])
        emit(uow, TicketBreached(**named(ticket)))
    else:
        ticket.escalated_at, ticket.due_at = clock.now(), None
        emit(uow, TicketEscalated(**named(ticket)))
    uow.flush()
    return True
