"""Requests to sellers: asked, listed, answered, taken care of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.network_address import network_address
from api.pages.buy.handlers import own_product
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.frame.typed_numbers import find_whole
from api.pages.leads.demo_handlers import slot_of
from api.pages.leads.presenter import ask_view, lead_address, lead_item, own_page, refusal, seller_page
from api.pages.leads.views import AskTyped, BoardView, LeadsView
from api.problems import headers_of
from api.schema import Out, run_command
from api.v1.leads import MANAGE, TextIn, own_thread, seller_thread
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.catalog.queries import get_listing
from marketplace.demos.book_demo import ask_with_time
from marketplace.demos.end_request import plan_request, withdraw_request
from marketplace.leads.create_lead import Contact, CreateLead, find_open_lead
from marketplace.leads.messages import send_message
from marketplace.leads.models import LEAD, OPEN
from marketplace.leads.queries import (
    get_own_lead,
    get_seller_lead,
    list_own_leads,
    list_seller_leads,
)
from marketplace.leads.work_lead import PlanLead, add_note
from orders.offers.queries import leads_last_declined, leads_with_offers

Answer = Response[str] | Response[bytes]
STATES = tuple(LEAD.edges)


@page("/products/{listing_id:uuid}/ask/{kind:str}", SIGNED_IN)
def show_ask(listing_id: FromPath[UUID], kind: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """The form; `placement` and `second` say which card in a video it is asked from. `part=sheet` is what the player shows.

    The contact is empty at first: what nobody typed needs no consent.
    """
    with page_request.work() as uow:
        listing = get_listing(uow, listing_id)
        asked = ask_view(page_request, uow, listing, kind, AskTyped())
        is_asked = find_open_lead(uow, listing_id, kind) is not None
    in_sheet = page_request.query("part") == "sheet"
    view = replace(
        asked,
        placement_id=page_request.query("placement", most=36),
        second=page_request.query_number("second"),
        is_asked=is_asked,
        in_sheet=in_sheet,
    )
    return own_product(page_request, listing) or page_request.render(view, part="ask" if in_sheet else None)


@form_post("/products/{listing_id:uuid}/ask/{kind:str}", SIGNED_IN)
def send_ask(
    listing_id: FromPath[UUID], kind: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Ask. Pressed twice, or in two tabs, it is one request: the page of the open one is shown.

    Sent from the sheet (`part=sheet`), a refusal is the sheet again and success names the page in place of going there.
    """
    names = ("text", "quantity", "contact_name", "contact_email", "contact_phone", "slot")
    typed = AskTyped(**{name: form.values.get(name, "")[:5_000] for name in names}, agreed=form.text("agreed") == "yes")
    in_sheet = form.values.get("part") == "sheet"
    placement, second = form.values.get("placement", "")[:36], form.values.get("second", "")
    second_s = min(find_whole(second) or 0, 86_400)
    try:
        version = form.text("consent_version", most=20) if typed.agreed else ""
        contact = Contact(typed.contact_name, typed.contact_email, version, typed.contact_phone, page_request.language)
        command = CreateLead(
            kind,
            listing_id,
            typed.text,
            quantity=form.number("quantity", least=1, most=1_000_000) if typed.quantity else None,
            placement_id=parse_uuid_or_404(placement, "placement_not_found") if placement else None,
            second_ms=second_s * 1000,
            contact=contact,
            network_address=network_address(page_request.request, page_request.services.settings.forwarded_hops),
        )
        starts_at = slot_of(typed.slot) if typed.slot else None
        lead_id = page_request.transact(lambda uow: ask_with_time(uow, command, starts_at).id)
    except NotFound:
        raise
    except DomainError as refused:
        with page_request.work() as uow:
            view = ask_view(page_request, uow, get_listing(uow, listing_id), kind, typed)
            is_asked = find_open_lead(uow, listing_id, kind) is not None
        view = replace(view, placement_id=placement, second=second_s, is_asked=is_asked, in_sheet=in_sheet)
        view = replace(view, **refusal(page_request, refused))
        part = "ask" if in_sheet else None
        return page_request.render(view, status=refused.status, headers=headers_of(refused), part=part)
    sent = page_request.redirect(addresses.request(str(lead_id)), notice="request_sent")
    if in_sheet:
        sent.status_code = 201
    return sent


@page(addresses.REQUESTS, SIGNED_IN)
def show_requests(page_request: Given[PageRequest]) -> Answer:
    """What the organization asked for, the newest first."""
    state = _state(page_request)
    with page_request.work() as uow:
        found = list_own_leads(uow, cursor=page_request.query("cursor", most=200) or None, state=state or None)
        offered = leads_with_offers(uow, [one.id for one in found.items])
    rows = tuple(replace(lead_item(page_request, one, sells=False), offered=one.id in offered) for one in found.items)
    more = addresses.next_page(addresses.REQUESTS, found.next_cursor, state=state)
    return page_request.render(LeadsView(addresses.REQUESTS, STATES, state, rows, more))


@page("/requests/{lead_id:uuid}", SIGNED_IN)
def show_request(lead_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of them."""
    return page_request.render(own_page(page_request, lead_id))


@form_post("/requests/{lead_id:uuid}/messages", SIGNED_IN)
def write_to_seller(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Write to the seller."""

    def write(uow: UnitOfWork, text: str) -> object:
        get_own_lead(uow, lead_id)
        return send_message(uow, lead_id, text)

    return _once(page_request, form, lead_id, "text", write, sells=False)


@form_post("/requests/{lead_id:uuid}/withdraw", SIGNED_IN)
def withdraw(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """End it."""
    del form
    try:
        page_request.transact(lambda uow: withdraw_request(uow, lead_id).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(own_page(page_request, lead_id), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.request(str(lead_id)))


@page(addresses.SELLER_LEADS, MANAGE)
def show_board(page_request: Given[PageRequest]) -> Answer:
    """What the seller was asked for, the newest first."""
    require_seller(page_request)
    state = _state(page_request)
    with page_request.work() as uow:
        found = list_seller_leads(uow, cursor=page_request.query("cursor", most=200) or None, state=state or None)
        declined = leads_last_declined(uow, [one.lead.id for one in found.items])
    rows = tuple(
        replace(
            lead_item(page_request, one.lead, sells=True),
            assigned=one.assigned_name or "",
            due_on=one.due_on,
            declined=one.lead.id in declined and one.lead.state in OPEN,
        )
        for one in found.items
    )
    more = addresses.next_page(addresses.SELLER_LEADS, found.next_cursor, state=state)
    return page_request.render(BoardView(addresses.SELLER_LEADS, STATES, state, rows, more))


@page("/seller/leads/{lead_id:uuid}", MANAGE)
def show_lead(lead_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of them."""
    return page_request.render(seller_page(page_request, lead_id))


@form_post("/seller/leads/{lead_id:uuid}", MANAGE)
def plan(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Assign it, date it, say where it stands."""
    assigned = form.text("assigned_to", most=36)
    try:
        command = PlanLead(
            lead_id,
            parse_uuid_or_404(assigned, "member_not_found") if assigned else None,
            _day(form.text("due_on", most=10)),
            form.text("state", most=20) or None,
        )
        page_request.transact(lambda uow: plan_request(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(seller_page(page_request, lead_id), **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.seller_lead(str(lead_id)))


@form_post("/seller/leads/{lead_id:uuid}/messages", MANAGE)
def write_to_buyer(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Answer the buyer."""

    def write(uow: UnitOfWork, text: str) -> object:
        get_seller_lead(uow, lead_id)
        return send_message(uow, lead_id, text)

    return _once(page_request, form, lead_id, "text", write, sells=True)


@form_post("/seller/leads/{lead_id:uuid}/notes", MANAGE)
def note(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Keep a note."""
    return _once(page_request, form, lead_id, "note", lambda uow, text: add_note(uow, lead_id, text), sells=True)


def _once(
    page_request: PageRequest,
    form: Form,
    lead_id: UUID,
    name: str,
    write: Callable[[UnitOfWork, str], object],
    *,
    sells: bool,
) -> Answer:
    """Write once for the form that was shown, however often it is sent; refused, what was typed stays."""
    typed = form.values.get(name, "")[:5_000]
    asked = TextIn.model_construct(text=typed)

    def work(uow: UnitOfWork) -> Out:
        write(uow, typed)
        return seller_thread(uow, lead_id) if sells else own_thread(uow, lead_id)

    path = page_request.request.scope["path"].lower()
    try:
        key = form.text("idempotency_key", most=255) or None
        run_command(page_request.request, key, asked, work, route=f"POST {path}")
    except NotFound:
        raise
    except DomainError as refused:
        view = seller_page(page_request, lead_id) if sells else own_page(page_request, lead_id)
        said = refusal(page_request, refused)
        view = replace(view, note=typed, **said) if name == "note" else replace(view, text=typed, **said)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(lead_address(str(lead_id), sells=sells))


def _state(page_request: PageRequest) -> str:
    asked = page_request.query("state", most=20)
    return asked if asked in STATES else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("validation_failed", field="due_on") from error


routes = [
    show_ask,
    send_ask,
    show_requests,
    show_request,
    write_to_seller,
    withdraw,
    show_board,
    show_lead,
    plan,
    write_to_buyer,
    note,
]
