"""Tickets as pages show them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.pages.conversations.presenter import ACCEPT, hours_in_words
from api.pages.conversations.views import SaidRow
from api.pages.frame import addresses, ticket_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.pages.tickets.views import HandoverItem, NewTicketPage, SellerTicketPage, TicketPage, TicketRow
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from marketplace.access.members import list_members
from marketplace.access.permissions import permissions_of
from marketplace.service_windows.save_window import service_window_of
from orders.conversations.sides import MANAGE
from orders.milestones.file_types import MAX_BYTES
from orders.queries import get_order
from orders.tickets.models import SEVERITIES
from orders.tickets.queries import (
    TicketFigures,
    TicketView,
    find_ticket,
    get_seller_ticket,
    get_ticket,
    ticket_handovers,
    ticket_messages,
)

SECONDS_OF_HOUR = 3600


def ticket_row(row: TicketView, side: str) -> TicketRow:
    """A ticket in a list."""
    both = f"{row.seller_name} ← {row.buyer_name}"
    other = {"buyer": row.seller_name, "seller": row.buyer_name}.get(side, both)
    address = ticket_addresses.ticket(str(row.id), sells=side == "seller")
    return TicketRow(
        address=addresses.trace(str(row.order_id)) if side == "operator" else address,
        subject=row.subject,
        other=other,
        order_number=row.order_number,
        severity=row.severity,
        state=row.state,
        due_at=row.first_due_at if row.state == "open" else None,
        late=row.is_late,
        at=row.last_at,
        rating=row.rating,
    )


def new_ticket_page(page_request: PageRequest, uow: UnitOfWork, order_id: UUID) -> NewTicketPage:
    """The form. Raises NotFound."""
    order = get_order(uow, order_id)
    window = service_window_of(uow, order.seller_org_id)
    words = translations(page_request.language)
    return NewTicketPage(
        address=ticket_addresses.TICKET_NEW,
        back=addresses.order(str(order.id)),
        order_id=str(order.id),
        order_number=order.number,
        seller=order.seller_name,
        severities=tuple(Choice(one, words.word("severity", one)) for one in SEVERITIES),
        idempotency_key=str(uuid7()),
        hours=hours_in_words(page_request, window),
    )


def ticket_page(page_request: PageRequest, uow: UnitOfWork, ticket_id: UUID, *, sells: bool) -> TicketPage:
    """One ticket on the page of its side. Raises as `get_ticket`; NotFound(`ticket_not_found`) on the other side's page."""
    _, side = find_ticket(uow, ticket_id)
    if (side == "seller") is not sells:
        raise NotFound("ticket_not_found")
    view = get_ticket(uow, ticket_id)
    names = {"buyer": view.buyer_name, "seller": view.seller_name}
    messages = tuple(
        SaidRow(
            kind="written",
            ours=one.side == side,
            author=one.author or names[one.side],
            text=one.text,
            at=one.created_at,
            file_name=one.file_name or "",
            file_bytes=one.size_bytes or 0,
            file_address=ticket_addresses.file(str(ticket_id), str(one.id)) if one.file_name else "",
        )
        for one in ticket_messages(uow, ticket_id)
    )
    closed = view.state == "closed"
    shown: dict[str, Any] = {
        "address": ticket_addresses.ticket(str(ticket_id), sells=sells),
        "back": ticket_addresses.SELLER_TICKETS if sells else ticket_addresses.TICKETS,
        "row": ticket_row(view, side),
        "order": _order(page_request, view, sells=sells),
        "messages": messages,
        "accept": ACCEPT,
        "limit_mb": MAX_BYTES // 1_000_000,
        "idempotency_key": str(uuid7()),
        "may_write": not closed,
        "may_close": not sells and not closed,
        "may_rate": not sells and closed and view.rating is None,
        "closes_at": view.closes_at,
        "answered_at": view.first_answered_at,
        "escalated": view.escalated_at is not None and view.state == "open",
        "rating": view.rating,
        "rating_text": view.rating_text,
    }
    if not sells:
        return TicketPage(**shown)
    return SellerTicketPage(**shown, **_care(page_request, uow, view))


def _care(page_request: PageRequest, uow: UnitOfWork, view: TicketView) -> dict[str, Any]:
    """Who takes care of it, who did, and who may."""
    found = get_seller_ticket(uow, view.id)
    nobody = Choice("", page_request.t("ticket.nobody"))
    may = [one for one in list_members(uow) if MANAGE in permissions_of(one.roles) and one.state == "active"]
    return {
        "carers": (nobody, *(Choice(str(one.person_id), one.name) for one in may)),
        "carer": str(found.assigned_to or ""),
        "may_take": found.assigned_to is None and view.state != "closed",
        "handovers": tuple(
            HandoverItem(one.name, one.by, one.note, one.created_at) for one in ticket_handovers(uow, view.id)
        ),
    }


def figures_in_words(page_request: PageRequest, found: TicketFigures) -> str:
    """How the seller's tickets were answered, where there were any."""
    if found.median_s is None:
        return page_request.t("ticket.figures_none") if not found.tickets else page_request.t("ticket.figures_waiting")
    hours, rest = divmod(found.median_s, SECONDS_OF_HOUR)
    return page_request.t(
        "ticket.figures",
        tickets=found.tickets,
        answered=found.answered,
        late=found.late,
        hours=hours,
        minutes=rest // 60,
    )


def _order(page_request: PageRequest, view: TicketView, *, sells: bool) -> str:
    if not sells:
        return addresses.order(str(view.order_id)) if page_request.principal.may("orders.read") else ""
    return addresses.trace(str(view.order_id)) if page_request.principal.may("trace.read") else ""
