"""Requests for a demo, a quote or advice: the buyer's side and the seller's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.auth import SIGNED_IN
from api.known_values import state_in
from api.network_address import network_address
from api.request import ApiRequest
from api.schema import (
    KeyHeader,
    Out,
    PageOut,
    Paging,
    StrictInt,
    UtcIn,
    Wire,
    idempotent_command,
    list_page,
    unchanged,
)
from api.v1.offer_bodies import OfferOut
from kernel.db.uow import UnitOfWork
from marketplace.demos.book_demo import ask_with_time
from marketplace.demos.end_request import plan_request, withdraw_request
from marketplace.demos.queries import BookingView, booking_of
from marketplace.halls.visitor_queries import LeadHall, hall_of_lead
from marketplace.leads import follow_channel
from marketplace.leads.consent_text import CONSENT_VERSION, FOLLOW_VERSION, About, consent_text
from marketplace.leads.create_lead import Contact, CreateLead
from marketplace.leads.follow_channel import FollowForContact
from marketplace.leads.messages import send_message
from marketplace.leads.models import LEAD
from marketplace.leads.queries import (
    LeadView,
    MessageView,
    NoteView,
    SellerLeadView,
    get_own_lead,
    get_seller_lead,
    list_own_leads,
    list_seller_leads,
    messages_of,
    notes_of,
)
from marketplace.leads.work_lead import PlanLead, add_note
from orders.offers.queries import offers_of

MANAGE = "leads.manage"
Kind = Literal["demo", "quote", "consult"]
Words = Annotated[str, Field(max_length=4_000)]


class ContactIn(Wire):
    """Whom the seller may write to or call. Given only with the consent in force: its version and language.

    Without a version it is refused (`consent_required`), unless it is empty.
    """

    name: Annotated[str, Field(max_length=100)]
    email: Annotated[str, Field(max_length=254)]
    phone: Annotated[str, Field(max_length=40)] = ""
    consent_version: Annotated[str, Field(max_length=20)] = ""
    locale: Literal["zh-CN", "en"] = "zh-CN"


class LeadIn(Wire):
    """What is asked for. `placement_id` and `second_ms`: the card in a video that it is asked from."""

    kind: Kind
    listing_id: UUID
    text: Words = ""
    plan_id: UUID | None = None
    quantity: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    placement_id: UUID | None = None
    second_ms: Annotated[StrictInt, Field(ge=0, le=86_400_000)] | None = None
    contact: ContactIn | None = None
    slot: UtcIn | None = Field(default=None, description="Of a demo: one of the seller's free times, booked at once")


class FollowContactIn(Wire):
    """Whom a channel's seller may get in touch with, about which of its products. `text`: what they would like to say."""

    listing_id: UUID
    contact: ContactIn
    text: Words = ""


class TextIn(Wire):
    """Words to the other side, or a note."""

    text: Annotated[
        str, Field(min_length=1, max_length=4_000, examples=["Twenty seats, billed yearly: what would it be?"])
    ]


class LeadPlanIn(Wire):
    """Who takes care of it and until when; null for nobody and for no date. `state` null: as it is."""

    assigned_to: UUID | None = None
    due_on: Annotated[date | None, Field(examples=["2026-12-01"])] = None
    state: Annotated[Literal["working", "won", "lost"] | None, Field(examples=["working"])] = None


class LeadThreadOut(Out):
    """A request with what both sides wrote, and what was offered on it."""

    lead: LeadView
    messages: Sequence[MessageView]
    offers: Sequence[OfferOut]
    booking: BookingView | None
    hall: Annotated[LeadHall | None, Meta(description="Where a badge was given, of a request that came so")]


class SellerLeadThreadOut(Out):
    """A request as the seller works with it."""

    lead: SellerLeadView
    messages: Sequence[MessageView]
    notes: Sequence[NoteView]
    offers: Sequence[OfferOut]
    booking: BookingView | None
    hall: Annotated[LeadHall | None, Meta(description="Where a badge was given, of a request that came so")]


class ConsentOut(Out):
    """The words under which a contact is given to a seller."""

    version: str
    text: str


KindParameter = Annotated[Kind | None, QueryParameter(name="kind", required=False, description="Only of this kind")]


@get("/v1/lead-consent", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def get_consent(
    request: ApiRequest,
    locale: Annotated[
        Literal["zh-CN", "en"], QueryParameter(name="locale", required=False, description="The language of the text")
    ] = "zh-CN",
    about: Annotated[
        About, QueryParameter(name="about", required=False, description="A request, or following a channel")
    ] = "request",
) -> ConsentOut:
    """The consent in force; `{seller}` stands for the seller's name."""
    del request
    version = FOLLOW_VERSION if about == "follow" else CONSENT_VERSION
    return ConsentOut(version=version, text=consent_text(locale, "{seller}", about))


@post(
    "/v1/channels/{channel_id:uuid}/contact",
    permission=SIGNED_IN,
    refuses=[403, 404, 409, 429],
    sync_to_thread=True,
    tags=["catalogue"],
)
def follow_for_contact(
    channel_id: FromPath[UUID], data: JSONBody[FollowContactIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[LeadView]:
    """Follow a channel and let its seller get in touch, with the consent in force (`about=follow`).

    While the request that comes of it is open, it is answered with that one.
    """
    origin = network_address(request, request.services.settings.forwarded_hops)
    contact = Contact(**data.contact.model_dump())
    command = FollowForContact(channel_id, data.listing_id, contact, data.text, origin)
    return idempotent_command(
        request,
        idempotency_key,
        data,
        lambda uow: get_own_lead(uow, follow_channel.follow_for_contact(uow, command).id),
    )


@post("/v1/leads", permission=SIGNED_IN, refuses=[403, 404, 409, 429], sync_to_thread=True, tags=["catalogue"])
def ask_seller(data: JSONBody[LeadIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[LeadView]:
    """Ask a seller. What the organization asks for already is answered with that request."""
    origin = network_address(request, request.services.settings.forwarded_hops)
    command = replace(command_of(data), network_address=origin)
    return idempotent_command(
        request,
        idempotency_key,
        data,
        lambda uow: get_own_lead(uow, ask_with_time(uow, command, data.slot).id),
    )


@get("/v1/leads", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def get_leads(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(LEAD.states)] = None,
    kind: KindParameter = None,
) -> Response[PageOut[LeadView]]:
    """What the organization asked for, the newest first."""
    return list_page(request, paging, list_own_leads, unchanged, state=only, kind=kind)


@get("/v1/leads/{lead_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def get_lead(lead_id: FromPath[UUID], request: ApiRequest) -> LeadThreadOut:
    """One of them, with what both sides wrote."""
    with request.transaction() as uow:
        return own_thread(uow, lead_id)


@post("/v1/leads/{lead_id:uuid}/messages", permission=SIGNED_IN, refuses=[409], sync_to_thread=True, tags=["catalogue"])
def write_to_seller(
    lead_id: FromPath[UUID], data: JSONBody[TextIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[LeadThreadOut]:
    """Write to the seller."""

    def work(uow: UnitOfWork) -> LeadThreadOut:
        get_own_lead(uow, lead_id)
        send_message(uow, lead_id, data.text)
        return own_thread(uow, lead_id)

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/leads/{lead_id:uuid}/withdrawal",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["catalogue"],
)
def withdraw(lead_id: FromPath[UUID], request: ApiRequest) -> LeadThreadOut:
    """End it: the contact given with it is forgotten. Done already, nothing changes."""

    def work(uow: UnitOfWork) -> LeadThreadOut:
        withdraw_request(uow, lead_id)
        return own_thread(uow, lead_id)

    return request.transact(work)


@get("/v1/seller/leads", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_seller_leads(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(LEAD.states)] = None,
    kind: KindParameter = None,
    assigned_to: Annotated[
        UUID | None, QueryParameter(name="assigned_to", required=False, description="Only this person's")
    ] = None,
) -> Response[PageOut[SellerLeadView]]:
    """What the seller was asked for, the newest first."""
    return list_page(request, paging, list_seller_leads, unchanged, state=only, kind=kind, assigned_to=assigned_to)


@get("/v1/seller/leads/{lead_id:uuid}", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_one_of_seller(lead_id: FromPath[UUID], request: ApiRequest) -> SellerLeadThreadOut:
    """One of them, with what both sides wrote and the seller's own notes."""
    with request.transaction() as uow:
        return seller_thread(uow, lead_id)


@put("/v1/seller/leads/{lead_id:uuid}", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"])
def plan(lead_id: FromPath[UUID], data: JSONBody[LeadPlanIn], request: ApiRequest) -> SellerLeadThreadOut:
    """Assign it, date it, say where it stands."""

    def work(uow: UnitOfWork) -> SellerLeadThreadOut:
        plan_request(uow, PlanLead(lead_id, data.assigned_to, data.due_on, data.state))
        return seller_thread(uow, lead_id)

    return request.transact(work)


@post("/v1/seller/leads/{lead_id:uuid}/notes", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def note(
    lead_id: FromPath[UUID], data: JSONBody[TextIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[SellerLeadThreadOut]:
    """Keep a note for the seller's own members."""

    def work(uow: UnitOfWork) -> SellerLeadThreadOut:
        add_note(uow, lead_id, data.text)
        return seller_thread(uow, lead_id)

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/seller/leads/{lead_id:uuid}/messages", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"]
)
def write_to_buyer(
    lead_id: FromPath[UUID], data: JSONBody[TextIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[SellerLeadThreadOut]:
    """Answer the buyer."""

    def work(uow: UnitOfWork) -> SellerLeadThreadOut:
        get_seller_lead(uow, lead_id)
        send_message(uow, lead_id, data.text)
        return seller_thread(uow, lead_id)

    return idempotent_command(request, idempotency_key, data, work)


def command_of(data: LeadIn) -> CreateLead:
    """For the JSON route and the page alike."""
    values: dict[str, Any] = {
        name: getattr(data, name) for name in LeadIn.model_fields if name not in {"contact", "slot"}
    }
    return CreateLead(**values, contact=Contact(**data.contact.model_dump()) if data.contact else None)


def own_thread(uow: UnitOfWork, lead_id: UUID) -> LeadThreadOut:
    """Raises NotFound(`lead_not_found`)."""
    return LeadThreadOut(
        lead=get_own_lead(uow, lead_id),
        messages=messages_of(uow, lead_id),
        offers=_offers(uow, lead_id),
        booking=booking_of(uow, lead_id),
        hall=hall_of_lead(uow, lead_id),
    )


def seller_thread(uow: UnitOfWork, lead_id: UUID) -> SellerLeadThreadOut:
    """Raises as `get_seller_lead`."""
    return SellerLeadThreadOut(
        lead=get_seller_lead(uow, lead_id),
        messages=messages_of(uow, lead_id),
        notes=notes_of(uow, lead_id),
        offers=_offers(uow, lead_id),
        booking=booking_of(uow, lead_id),
        hall=hall_of_lead(uow, lead_id),
    )


def _offers(uow: UnitOfWork, lead_id: UUID) -> list[OfferOut]:
    return [OfferOut.of(one) for one in offers_of(uow, lead_id)]


routes = [
    get_consent,
    follow_for_contact,
    ask_seller,
    get_leads,
    get_lead,
    write_to_seller,
    withdraw,
    get_seller_leads,
    get_one_of_seller,
    plan,
    note,
    write_to_buyer,
]
