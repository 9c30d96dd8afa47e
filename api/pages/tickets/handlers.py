"""Support tickets on pages: opened from an order, answered by both sides, closed with a rating; board and escalated list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.conversation_files import keep_upload
from api.pages.frame import addresses, ticket_addresses
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.frame.typed_numbers import find_whole
from api.pages.offers.presenter import refusal
from api.pages.tickets.presenter import figures_in_words, new_ticket_page, ticket_page, ticket_row
from api.pages.tickets.views import OperatorTicketsView, SellerTicketsView, TicketPage, TicketsView
from api.schema import Out, run_command
from api.v1.tickets import TicketIn, TicketThreadOut, TicketWordsIn, command_of, ticket_thread
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from orders.conversations.sides import MANAGE
from orders.milestones.file_types import MAX_BYTES
from orders.tickets.hand_over import hand_ticket_over, take_ticket
from orders.tickets.models import TICKET
from orders.tickets.queries import (
    Assigned,
    list_escalated_tickets,
    list_own_tickets,
    list_seller_tickets,
    own_ticket_figures,
)
from orders.tickets.work_ticket import close_ticket, open_ticket, write_on_ticket

Answer = Response[str] | Response[bytes]
STATES = tuple(TICKET.edges)
ASSIGNED: tuple[Assigned, ...] = get_args(Assigned)


@page(ticket_addresses.TICKETS, SIGNED_IN)
def show_tickets(page_request: Given[PageRequest]) -> Answer:
    """The organization's tickets."""
    state, at = _state(page_request), ticket_addresses.TICKETS
    with page_request.work() as uow:
        found = list_own_tickets(uow, cursor=page_request.query("cursor", most=200) or None, state=state or None)
    rows = tuple(ticket_row(one, "buyer") for one in found.items)
    more = addresses.next_page(at, found.next_cursor, state=state)
    may = page_request.principal.may("orders.read")
    return page_request.render(TicketsView(at, STATES, state, rows, more, reads_orders=may))


@page(ticket_addresses.SELLER_TICKETS, MANAGE)
def show_board(page_request: Given[PageRequest]) -> Answer:
    """What the seller's customers need help with, and how fast it answers."""
    require_seller(page_request)
    state, at = _state(page_request), ticket_addresses.SELLER_TICKETS
    chosen = page_request.query("assigned", most=10)
    assigned: Assigned | None = next((one for one in ASSIGNED if one == chosen), None)
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        found = list_seller_tickets(uow, cursor=cursor, state=state or None, assigned=assigned)
        figures = figures_in_words(page_request, own_ticket_figures(uow))
    rows = tuple(replace(ticket_row(one.ticket, "seller"), carer=one.assigned_name or "") for one in found.items)
    more = addresses.next_page(at, found.next_cursor, state=state, assigned=assigned)
    view = SellerTicketsView(at, STATES, state, rows, more, figures, whose=ASSIGNED, assigned=assigned or "")
    return page_request.render(view)


@page(ticket_addresses.OPERATOR_TICKETS, "operator.read")
def show_escalated(page_request: Given[PageRequest]) -> Answer:
    """What waits beyond a second term."""
    at = ticket_addresses.OPERATOR_TICKETS
    with page_request.work() as uow:
        found = list_escalated_tickets(uow, cursor=page_request.query("cursor", most=200) or None)
    rows = tuple(ticket_row(one, "operator") for one in found.items)
    return page_request.render(OperatorTicketsView(at, (), "", rows, addresses.next_page(at, found.next_cursor)))


@page(ticket_addresses.TICKET_NEW, SIGNED_IN)
def show_new(page_request: Given[PageRequest]) -> Answer:
    """The form of a ticket on `order`."""
    order_id = parse_uuid_or_404(page_request.query("order", most=36))
    with page_request.work() as uow:
        view = new_ticket_page(page_request, uow, order_id)
    return page_request.render(view)


@form_post(ticket_addresses.TICKET_NEW, SIGNED_IN)
def send_new(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Open it. Pressed twice it is one."""
    order_id = parse_uuid_or_404(form.text("order_id", most=36))
    typed: dict[str, Any] = {name: form.values.get(name, "")[:5_000] for name in ("subject", "text", "severity")}
    asked = TicketIn.model_construct(order_id=order_id, **typed)

    def work(uow: UnitOfWork) -> Out:
        return ticket_thread(uow, open_ticket(uow, command_of(asked)).id)

    try:
        answer = run_command(
            page_request.request, form.text("idempotency_key", most=255) or None, asked, work, route="POST /tickets/new"
        )
    except NotFound:
        raise
    except DomainError as refused:
        with page_request.work() as uow:
            view = replace(new_ticket_page(page_request, uow, order_id), **typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    del answer
    return page_request.redirect(ticket_addresses.TICKETS, notice="ticket_opened")


@page("/tickets/{ticket_id:uuid}", SIGNED_IN)
def show_ticket(ticket_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One ticket, for its buyer."""
    return page_request.render(_page(page_request, ticket_id, sells=False))


@page("/seller/tickets/{ticket_id:uuid}", MANAGE)
def show_sold_ticket(ticket_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One ticket, for its seller."""
    require_seller(page_request)
    return page_request.render(_page(page_request, ticket_id, sells=True))


@form_post("/tickets/{ticket_id:uuid}", SIGNED_IN, file_bytes=MAX_BYTES)
def write_as_buyer(ticket_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Write to the seller."""
    return _write(page_request, form, ticket_id, sells=False)


@form_post("/seller/tickets/{ticket_id:uuid}", MANAGE, file_bytes=MAX_BYTES)
def write_as_seller(ticket_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Write to the buyer; `action` = resolve says that this settles it."""
    return _write(page_request, form, ticket_id, sells=True)


@form_post("/seller/tickets/{ticket_id:uuid}/take", MANAGE)
def take(ticket_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take care of it."""
    del form
    return _care(page_request, ticket_id, lambda uow: take_ticket(uow, ticket_id).id)


@form_post("/seller/tickets/{ticket_id:uuid}/assignee", MANAGE)
def hand_over(ticket_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Give it to a colleague, with a note, or to nobody."""
    carer, note = form.text("person_id", most=36), form.values.get("note", "")[:5_000]
    person_id = parse_uuid_or_404(carer, "member_not_found") if carer else None
    return _care(
        page_request,
        ticket_id,
        lambda uow: hand_ticket_over(uow, ticket_id, person_id, note).id,
        note=note,
        carer=carer,
    )


def _care(page_request: PageRequest, ticket_id: UUID, act: Callable[[UnitOfWork], object], **typed: Any) -> Answer:
    try:
        page_request.transact(act)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_page(page_request, ticket_id, sells=True), **typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(ticket_addresses.ticket(str(ticket_id), sells=True), notice="ticket_handed_over")


@form_post("/tickets/{ticket_id:uuid}/close", SIGNED_IN)
def close(ticket_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Close it with a rating, or without."""
    stars, said = form.text("stars", most=5), form.values.get("rating_text", "")[:5_000]
    try:
        rating = find_whole(stars) if stars else None
        if stars and rating is None:
            raise Invalid("ticket_rating_unknown", field="stars")
        page_request.transact(lambda uow: close_ticket(uow, ticket_id, rating=rating, text=said).id)
    except NotFound:
        raise
    except DomainError as refused:
        wrong = refusal(page_request, refused)
        if wrong.get("error_field") in ("rating", "text"):
            wrong["error_field"] = "stars" if wrong["error_field"] == "rating" else "rating_text"
        view = replace(_page(page_request, ticket_id, sells=False), stars=stars, rating_text=said, **wrong)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(ticket_addresses.ticket(str(ticket_id)), notice="ticket_closed")


def _page(page_request: PageRequest, ticket_id: UUID, *, sells: bool) -> TicketPage:
    with page_request.work() as uow:
        return ticket_page(page_request, uow, ticket_id, sells=sells)


def _write(page_request: PageRequest, form: Form, ticket_id: UUID, *, sells: bool) -> Answer:
    """Write once for the form that was shown, however often it is sent; refused, what was typed stays."""
    typed = form.values.get("text", "")[:5_000]
    resolves = sells and form.values.get("action", "") == "resolve"
    # The other side's page is not there, for its form as little as for its reader.
    _page(page_request, ticket_id, sells=sells)
    try:
        if form.has_file("file"):
            keep_upload(
                page_request.request,
                form.file("file"),
                lambda uow, file: write_on_ticket(uow, ticket_id, typed, file, resolves=resolves),
            )
        else:
            asked = TicketWordsIn.model_construct(text=typed, resolves=resolves)

            def work(uow: UnitOfWork) -> TicketThreadOut:
                write_on_ticket(uow, ticket_id, typed, resolves=resolves)
                return ticket_thread(uow, ticket_id)

            path = page_request.request.scope["path"].lower()
            key = form.text("idempotency_key", most=255) or None
            run_command(page_request.request, key, asked, work, route=f"POST {path}")
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_page(page_request, ticket_id, sells=sells), text=typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(ticket_addresses.ticket(str(ticket_id), sells=sells))


def _state(page_request: PageRequest) -> str:
    asked = page_request.query("state", most=20)
    return asked if asked in STATES else ""


routes = [
    show_tickets,
    show_board,
    show_escalated,
    show_new,
    send_new,
    show_ticket,
    show_sold_ticket,
    write_as_buyer,
    write_as_seller,
    take,
    hand_over,
    close,
]
