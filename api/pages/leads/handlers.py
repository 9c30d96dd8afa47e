"""Requests to sellers: asked, listed, answered, taken care of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.leads.views import (
    AskSellerView,
    AskTyped,
    BoardView,
    LeadItem,
    LeadPage,
    LeadsView,
    SellerLeadPage,
    Written,
)
from api.problems import headers_of
from api.schema import Out, run_command
from api.v1.leads import MANAGE, TextIn, own_thread, seller_thread
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.access.members import list_members
from marketplace.catalog.queries import get_listing
from marketplace.leads.consent_text import CONSENT_VERSION, consent_text
from marketplace.leads.create_lead import Contact, CreateLead, create_lead
from marketplace.leads.messages import send_message
from marketplace.leads.models import KINDS, LEAD, OPEN
from marketplace.leads.queries import (
    LeadView,
    MessageView,
    get_own_lead,
    get_seller_lead,
    list_own_leads,
    list_seller_leads,
    messages_of,
    notes_of,
)
from marketplace.leads.work_lead import PlanLead, add_note, plan_lead, withdraw_lead

Answer = Response[str] | Response[bytes]
STATES = tuple(LEAD.edges)


@page("/products/{listing_id:uuid}/ask/{kind:str}", SIGNED_IN)
def show_ask(listing_id: FromPath[UUID], kind: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """The form; `placement` and `second` say which card in a video it is asked from.

    The contact is empty at first: what nobody typed needs no consent.
    """
    view = _ask(page_request, listing_id, kind, AskTyped())
    second = page_request.query_number("second")
    return page_request.render(replace(view, placement_id=page_request.query("placement", most=36), second=second))


@form_post("/products/{listing_id:uuid}/ask/{kind:str}", SIGNED_IN)
def send_ask(
    listing_id: FromPath[UUID], kind: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Ask. Pressed twice, or in two tabs, it is one request: the page of the open one is shown."""
    names = ("text", "quantity", "contact_name", "contact_email", "contact_phone")
    typed = AskTyped(**{name: form.values.get(name, "")[:5_000] for name in names}, agreed=form.text("agreed") == "yes")
    placement, second = form.text("placement", most=36), form.values.get("second", "")
    second_s = int(second) if second.isascii() and second.isdigit() and len(second) < 6 else 0
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
        )
        lead_id = page_request.transact(lambda uow: create_lead(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_ask(page_request, listing_id, kind, typed), placement_id=placement, second=second_s)
        return page_request.render(
            replace(view, **_said(page_request, refused)), status=refused.status, headers=headers_of(refused)
        )
    return page_request.redirect(addresses.request(str(lead_id)), notice="request_sent")


@page(addresses.REQUESTS, SIGNED_IN)
def show_requests(page_request: Given[PageRequest]) -> Answer:
    """What the organization asked for, the newest first."""
    state = _state(page_request)
    with page_request.work() as uow:
        found = list_own_leads(uow, cursor=page_request.query("cursor", most=200) or None, state=state or None)
    rows = tuple(_item(page_request, one, sells=False) for one in found.items)
    more = addresses.next_page(addresses.REQUESTS, found.next_cursor, state=state)
    return page_request.render(LeadsView(addresses.REQUESTS, STATES, state, rows, more))


@page("/requests/{lead_id:uuid}", SIGNED_IN)
def show_request(lead_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of them."""
    return page_request.render(_own(page_request, lead_id))


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
        page_request.transact(lambda uow: withdraw_lead(uow, lead_id).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_own(page_request, lead_id), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.request(str(lead_id)))


@page(addresses.SELLER_LEADS, MANAGE)
def show_board(page_request: Given[PageRequest]) -> Answer:
    """What the seller was asked for, the newest first."""
    state = _state(page_request)
    with page_request.work() as uow:
        found = list_seller_leads(uow, cursor=page_request.query("cursor", most=200) or None, state=state or None)
    rows = tuple(
        replace(_item(page_request, one.lead, sells=True), assigned=one.assigned_name or "", due_on=one.due_on)
        for one in found.items
    )
    more = addresses.next_page(addresses.SELLER_LEADS, found.next_cursor, state=state)
    return page_request.render(BoardView(addresses.SELLER_LEADS, STATES, state, rows, more))


@page("/seller/leads/{lead_id:uuid}", MANAGE)
def show_lead(lead_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One of them."""
    return page_request.render(_sold(page_request, lead_id))


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
        page_request.transact(lambda uow: plan_lead(uow, command).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_sold(page_request, lead_id), **_said(page_request, refused))
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
        view = _sold(page_request, lead_id) if sells else _own(page_request, lead_id)
        said = _said(page_request, refused)
        view = replace(view, note=typed, **said) if name == "note" else replace(view, text=typed, **said)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(_address(str(lead_id), sells=sells))


def _ask(page_request: PageRequest, listing_id: UUID, kind: str, typed: AskTyped) -> AskSellerView:
    if kind not in KINDS:
        raise NotFound("not_found")
    with page_request.work() as uow:
        listing = get_listing(uow, listing_id)
    return AskSellerView(
        kind=kind,
        address=addresses.product_ask(str(listing_id), kind),
        back=addresses.product(str(listing_id)),
        listing_name=page_request.pick(listing.title, listing.title_en),
        seller_name=listing.seller_name,
        consent=consent_text(page_request.language, listing.seller_name),
        consent_version=CONSENT_VERSION,
        typed=typed,
    )


def _said(page_request: PageRequest, refused: DomainError) -> dict[str, Any]:
    """A mistake in a field is said there, anything else above the form."""
    if refused.code == "consent_required":
        return {"error_field": "agreed", "field_error": page_request.t("leads.agree_first")}
    said = failure(page_request, refused)
    if isinstance(refused, Invalid) and refused.field:
        return {"error_field": refused.field, "field_error": said}
    return {"error": said}


def _state(page_request: PageRequest) -> str:
    asked = page_request.query("state", most=20)
    return asked if asked in STATES else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("validation_failed", field="due_on") from error


def _address(lead_id: str, *, sells: bool) -> str:
    return addresses.seller_lead(lead_id) if sells else addresses.request(lead_id)


def _item(page_request: PageRequest, lead: LeadView, *, sells: bool) -> LeadItem:
    return LeadItem(
        address=_address(str(lead.id), sells=sells),
        kind=lead.kind,
        state=lead.state,
        what=page_request.pick(lead.title, lead.title_en),
        other=lead.buyer_name if sells else lead.seller_name,
        at=lead.created_at,
    )


def _page(page_request: PageRequest, lead: LeadView, messages: Sequence[MessageView], *, sells: bool) -> LeadPage:
    names = {"buyer": lead.buyer_name, "seller": lead.seller_name}
    return (SellerLeadPage if sells else LeadPage)(
        address=_address(str(lead.id), sells=sells),
        back=addresses.SELLER_LEADS if sells else addresses.REQUESTS,
        item=_item(page_request, lead, sells=sells),
        is_open=lead.state in OPEN,
        contact=tuple(filter(None, (lead.contact_name, lead.contact_email, lead.contact_phone))),
        consent=lead.consent_text or "",
        quantity=lead.quantity,
        messages=tuple(Written(names[one.side], one.text, one.created_at) for one in messages),
        idempotency_key=str(uuid7()),
    )


def _own(page_request: PageRequest, lead_id: UUID) -> LeadPage:
    with page_request.work() as uow:
        return _page(page_request, get_own_lead(uow, lead_id), messages_of(uow, lead_id), sells=False)


def _sold(page_request: PageRequest, lead_id: UUID) -> LeadPage:
    with page_request.work() as uow:
        found = get_seller_lead(uow, lead_id)
        shown = _page(page_request, found.lead, messages_of(uow, lead_id), sells=True)
        notes = notes_of(uow, lead_id)
        members = list_members(uow)
    nobody = Choice("", page_request.t("leads.nobody"))
    return replace(
        shown,
        item=replace(shown.item, assigned=found.assigned_name or "", due_on=found.due_on),
        notes=tuple(Written(one.author, one.text, one.created_at) for one in notes),
        members=(nobody, *(Choice(str(one.person_id), one.name) for one in members)),
        assigned_to=str(found.assigned_to or ""),
    )


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
