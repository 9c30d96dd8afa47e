"""Requests as pages show them: the form, an item of a list, and one request for each side, with what was offered on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure, money, priced
from api.pages.frame.site import PageRequest
from api.pages.leads.views import (
    AskSellerView,
    AskTyped,
    LeadItem,
    LeadPage,
    OfferItem,
    OfferLineItem,
    OfferLineTyped,
    OfferTyped,
    SellerLeadPage,
    Written,
)
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.access.members import list_members
from marketplace.access.permissions import permissions_of
from marketplace.catalog.queries import ListingView, PlanView, list_own_plans
from marketplace.demos.calendar import free_slots
from marketplace.demos.queries import booking_of
from marketplace.leads.consent_text import CONSENT_VERSION, consent_text
from marketplace.leads.models import KINDS, OPEN
from marketplace.leads.queries import LeadView, MessageView, get_own_lead, get_seller_lead, messages_of, notes_of
from marketplace.leads.work_lead import MANAGE
from marketplace.parties.lookups import get_party
from orders.offers.models import DECLINE_REASONS
from orders.offers.queries import OfferLineView, OfferView, offers_of

OFFER_HOLDS = timedelta(days=30)
"""What the form proposes."""


MORE_LINES = ("_2", "_3", "_4", "_5")
"""What the names of fields of further lines end in; the API takes as many as a quote."""


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
    said = failure(page_request, refused)
    if isinstance(refused, Invalid) and refused.field:
        return {"error_field": refused.field, "field_error": said}
    return {"error": said}


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
        customer=addresses.seller_customer(str(lead.buyer_org_id))
        if sells and page_request.principal.may("seller.orders.read")
        else "",
    )


def own_page(page_request: PageRequest, lead_id: UUID) -> LeadPage:
    """One request, for its buyer. Raises NotFound(`lead_not_found`)."""
    with page_request.work() as uow:
        lead, messages = get_own_lead(uow, lead_id), messages_of(uow, lead_id)
        shown = _page(page_request, lead, messages, offers_of(uow, lead_id), sells=False)
        return _with_demo(page_request, uow, lead, shown)


def seller_page(page_request: PageRequest, lead_id: UUID, offered: OfferTyped | None = None) -> LeadPage:
    """One request, for its seller. Raises as `get_seller_lead`."""
    with page_request.work() as uow:
        found = get_seller_lead(uow, lead_id)
        shown = _page(page_request, found.lead, messages_of(uow, lead_id), offers_of(uow, lead_id), sells=True)
        shown = _with_demo(page_request, uow, found.lead, shown)
        notes = notes_of(uow, lead_id)
        members = list_members(uow)
        own = list_own_plans(uow)
        today = clock.today(get_party(uow, found.lead.seller_org_id).time_zone)
    nobody = Choice("", page_request.t("leads.nobody"))
    asked = OfferLineTyped("", str(found.lead.plan_id or ""), str(found.lead.quantity or 1))
    usual = OfferTyped(asked, tuple(map(OfferLineTyped, MORE_LINES)), (today + OFFER_HOLDS).isoformat())
    return replace(
        shown,
        item=replace(shown.item, assigned=found.assigned_name or "", due_on=found.due_on),
        notes=tuple(Written(one.author, one.text, one.created_at) for one in notes),
        members=(
            nobody,
            *(Choice(str(one.person_id), one.name) for one in members if MANAGE in permissions_of(one.roles)),
        ),
        assigned_to=str(found.assigned_to or ""),
        plans=_plans(page_request, found.lead.listing_id, own),
        offered=offered or usual,
    )


def _with_demo(page_request: PageRequest, uow: UnitOfWork, lead: LeadView, shown: LeadPage) -> LeadPage:
    if lead.kind != "demo":
        return shown
    booking = booking_of(uow, lead.id)
    slots = _slots(page_request, uow, lead.seller_org_id) if shown.is_open else ()
    return replace(shown, booked_at=booking.starts_at if booking and booking.state == "booked" else None, slots=slots)


def _slots(page_request: PageRequest, uow: UnitOfWork, seller_id: UUID) -> tuple[Choice, ...]:
    found = free_slots(uow, seller_id)[:MOST_SLOTS]
    return tuple(Choice(one.starts_at.isoformat(), page_request.formats.appointment(one.starts_at)) for one in found)


def _plans(
    page_request: PageRequest, listing_id: UUID, own: Sequence[tuple[ListingView, PlanView]]
) -> tuple[Choice, ...]:
    """Whatever the seller has on sale, what was asked for first."""
    found = sorted(own, key=lambda one: one[0].id != listing_id)
    return tuple(_plan(page_request, listing, plan) for listing, plan in found if listing.state == "published")


def _plan(page_request: PageRequest, listing: ListingView, plan: PlanView) -> Choice:
    price = priced(page_request, plan.unit_price_minor, plan.currency, plan.price_unit, plan.pricing)
    title, name = page_request.pick(listing.title, listing.title_en), page_request.pick(plan.name, plan.name_en)
    return Choice(str(plan.id), f"{title} · {name} · {price}")


def _offer(page_request: PageRequest, offer: OfferView, *, sells: bool) -> OfferItem:
    lines = tuple(_offer_line(page_request, one) for one in offer.lines)
    order = addresses.with_query(addresses.SELLER_ORDERS, q=offer.order_number) if sells else ""
    return OfferItem(
        what=" + ".join(one.what for one in lines),
        lines=lines,
        total=money(offer.total_minor, offer.currency),
        state="expired" if offer.is_expired else offer.state,
        until=offer.valid_until - timedelta(seconds=1),
        at=offer.created_at,
        act=(addresses.offer_withdraw(str(offer.id)) if sells else addresses.offer_buy(str(offer.id)))
        if offer.is_open or (sells and offer.state == "open")
        else "",
        decline=addresses.offer_decline(str(offer.id)) if offer.is_open and not sells else "",
        decline_reason=offer.decline_reason or "",
        decline_text=offer.decline_text,
        order=(order or addresses.order(str(offer.order_id))) if offer.order_id else "",
    )


def _offer_line(page_request: PageRequest, line: OfferLineView) -> OfferLineItem:
    title, name = page_request.pick(line.title, line.title_en), page_request.pick(line.plan_name, line.plan_name_en)
    return OfferLineItem(
        what=f"{title} · {name}",
        quantity=line.quantity if line.sold_by_seat else 0,
        price=priced(page_request, line.unit_price_minor, line.currency, line.price_unit),
        list_price=priced(page_request, line.list_price_minor, line.currency, line.price_unit)
        if line.list_price_minor != line.unit_price_minor
        else "",
        total=money(line.total_minor, line.currency),
        tax_included=line.tax_included,
    )


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
        offers=tuple(_offer(page_request, one, sells=sells) for one in offers),
        ask_again=addresses.product_ask(str(lead.listing_id), lead.kind) if lead.state in OPEN and not sells else "",
        idempotency_key=str(uuid7()),
        reasons=DECLINE_REASONS,
    )
