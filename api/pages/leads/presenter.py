"""Requests as pages show them: the form, an item of a list, and one request for each side, with what was offered on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from api.pages.frame import addresses, lead_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.leads.meeting_provider import host_of, provider_of
from api.pages.leads.views import (
    AskSellerView,
    AskTyped,
    LeadItem,
    LeadPage,
    MeetingItem,
    SellerLeadPage,
    Written,
)
from api.pages.offers.form import filled_in, lines_to_answer, own_plans
from api.pages.offers.presenter import offer_item
from api.pages.offers.presenter import refusal as offer_refusal
from api.pages.offers.views import OfferLineTyped, OfferTyped
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from kernel.ids import uuid7
from marketplace.access.members import list_members
from marketplace.access.permissions import permissions_of
from marketplace.catalog.queries import ListingView
from marketplace.channels.queries import get_channel
from marketplace.demos.calendar import free_slots
from marketplace.demos.queries import booking_of
from marketplace.halls.visitor_queries import hall_of_lead
from marketplace.leads.consent_text import CONSENT_VERSION, consent_text
from marketplace.leads.models import KINDS, OPEN
from marketplace.leads.queries import LeadView, MessageView, get_own_lead, get_seller_lead, messages_of, notes_of
from marketplace.leads.work_lead import MANAGE
from marketplace.parties.lookups import get_party
from orders.offers.queries import OfferView, offers_of

MOST_SLOTS = 400
"""In a choice of times: the nearest."""


def ask_view(
    page_request: PageRequest, uow: UnitOfWork, listing: ListingView, kind: str, typed: AskTyped
) -> AskSellerView:
    """The form of one kind of request. Raises NotFound(`not_found`) for a kind that nobody asks for."""
    if kind not in KINDS:
        raise NotFound("not_found")
    return AskSellerView(
        kind=kind,
        address=addresses.product_ask(str(listing.id), kind),
        back=addresses.product(str(listing.id)),
        listing_name=page_request.pick(listing.title, listing.title_en),
        seller_name=listing.seller_name,
        consent=consent_text(page_request.language, listing.seller_name),
        consent_version=CONSENT_VERSION,
        typed=typed,
        slots=_slots(page_request, uow, listing.org_id) if kind == "demo" else (),
    )


def refusal(page_request: PageRequest, refused: DomainError) -> dict[str, Any]:
    """A mistake in a field is said there, anything else above the form."""
    if refused.code == "consent_required":
        return {"error_field": "agreed", "field_error": page_request.t("leads.agree_first")}
    return offer_refusal(page_request, refused)


def lead_address(lead_id: str, *, sells: bool) -> str:
    """The page of a request for its seller, or for its buyer."""
    return addresses.seller_lead(lead_id) if sells else addresses.request(lead_id)


def lead_item(page_request: PageRequest, lead: LeadView, *, sells: bool) -> LeadItem:
    """A request in a list."""
    return LeadItem(
        address=lead_address(str(lead.id), sells=sells),
        kind=lead.kind,
        state=lead.state,
        what=page_request.pick(lead.title, lead.title_en),
        other=lead.buyer_name if sells else lead.seller_name,
        at=lead.created_at,
        followed=lead.channel_id is not None,
        customer=addresses.seller_customer(str(lead.buyer_org_id))
        if sells and page_request.principal.may("seller.orders.read")
        else "",
    )


def own_page(page_request: PageRequest, lead_id: UUID) -> LeadPage:
    """One request, for its buyer. Raises NotFound(`lead_not_found`)."""
    with page_request.work() as uow:
        lead, messages = get_own_lead(uow, lead_id), messages_of(uow, lead_id)
        shown = _page(page_request, lead, messages, offers_of(uow, lead_id), sells=False)
        shown = _with_origin(page_request, uow, lead, shown)
        return _with_demo(page_request, uow, lead, shown)


def seller_page(page_request: PageRequest, lead_id: UUID, offered: OfferTyped | None = None) -> LeadPage:
    """One request, for its seller. Raises as `get_seller_lead`."""
    with page_request.work() as uow:
        found = get_seller_lead(uow, lead_id)
        offers = offers_of(uow, lead_id)
        shown = _page(page_request, found.lead, messages_of(uow, lead_id), offers, sells=True)
        shown = _with_origin(page_request, uow, found.lead, _with_demo(page_request, uow, found.lead, shown))
        notes = notes_of(uow, lead_id)
        members = list_members(uow)
        plans = own_plans(page_request, uow, found.lead.listing_id)
        time_zone = get_party(uow, found.lead.seller_org_id).time_zone
    nobody = Choice("", page_request.t("leads.nobody"))
    asked = (OfferLineTyped("", str(found.lead.plan_id or ""), str(found.lead.quantity or 1)),)
    countered = next((one for one in offers if one.state == "open" and one.counter_offers), None)
    usual = (
        filled_in(lines_to_answer(page_request, countered), time_zone, countered)
        if countered
        else filled_in(asked, time_zone)
    )
    return replace(
        shown,
        item=replace(shown.item, assigned=found.assigned_name or "", due_on=found.due_on),
        notes=tuple(Written(one.author, one.text, one.created_at) for one in notes),
        members=(
            nobody,
            *(Choice(str(one.person_id), one.name) for one in members if MANAGE in permissions_of(one.roles)),
        ),
        assigned_to=str(found.assigned_to or ""),
        plans=plans,
        offered=offered or usual,
    )


def _with_origin(page_request: PageRequest, uow: UnitOfWork, lead: LeadView, shown: LeadPage) -> LeadPage:
    """With the exhibition that it comes of, and where its side goes on there; or with the channel that was followed."""
    if lead.channel_id is not None:
        channel = get_channel(uow, lead.channel_id)
        name = page_request.pick(channel.name, channel.name_en)
        return replace(shown, channel=name, channel_address=addresses.channel(str(channel.id)))
    met = hall_of_lead(uow, lead.id)
    if met is None:
        return shown
    own = shown.sells
    address = addresses.halls.own_booth(str(met.booth_id)) if own else addresses.halls.hall(str(met.hall_id), "/badge")
    return replace(shown, hall=page_request.pick(met.title, met.title_en), hall_address=address)


def _with_demo(page_request: PageRequest, uow: UnitOfWork, lead: LeadView, shown: LeadPage) -> LeadPage:
    if lead.kind != "demo":
        return shown
    booking = booking_of(uow, lead.id)
    slots = _slots(page_request, uow, lead.seller_org_id) if shown.is_open else ()
    shown = replace(shown, slots=slots)
    if booking is None or booking.state != "booked":
        return shown
    meeting = booking.meeting_url or ""
    return replace(
        shown,
        booked_at=booking.starts_at,
        meeting=MeetingItem(meeting, provider_of(meeting), host_of(meeting)) if meeting else None,
        demo_ahead=booking.starts_at > clock.now(),
        meeting_url=meeting,
    )


def _slots(page_request: PageRequest, uow: UnitOfWork, seller_id: UUID) -> tuple[Choice, ...]:
    found = free_slots(uow, seller_id)[:MOST_SLOTS]
    return tuple(Choice(one.starts_at.isoformat(), page_request.formats.appointment(one.starts_at)) for one in found)


def _page(
    page_request: PageRequest,
    lead: LeadView,
    messages: Sequence[MessageView],
    offers: Sequence[OfferView],
    *,
    sells: bool,
) -> LeadPage:
    names = {"buyer": lead.buyer_name, "seller": lead.seller_name}
    return (SellerLeadPage if sells else LeadPage)(
        address=lead_address(str(lead.id), sells=sells),
        back=addresses.SELLER_LEADS if sells else addresses.REQUESTS,
        item=lead_item(page_request, lead, sells=sells),
        is_open=lead.state in OPEN,
        contact=tuple(filter(None, (lead.contact_name, lead.contact_email, lead.contact_phone))),
        consent=lead.consent_text or "",
        quantity=lead.quantity,
        messages=tuple(Written(names[one.side], one.text, one.created_at) for one in messages),
        offers=tuple(offer_item(page_request, one, sells=sells) for one in offers),
        ask_again=_ask_again(lead) if lead.state in OPEN and not sells else "",
        idempotency_key=str(uuid7()),
    )


def _ask_again(lead: LeadView) -> str:
    if lead.channel_id is not None:
        return lead_addresses.channel_contact(str(lead.channel_id))
    return addresses.product_ask(str(lead.listing_id), lead.kind)
