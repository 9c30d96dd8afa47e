"""A seller's offers on pages: all of them, one, a new one to an organization that did not ask, and one in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.offers.form import (
    command_of,
    editor_asked,
    filled_in,
    lines_to_answer,
    made_notice,
    own_plans,
    typed_of,
    wrong,
)
from api.pages.offers.presenter import offer_list, offer_page, refusal
from api.pages.offers.views import NewOfferView, OfferLineTyped, OfferPage, OfferTyped, SellerOffersView
from api.v1.offers import MANAGE
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid
from kernel.ids import parse_uuid
from marketplace.access.find_organizations import SHORTEST, find_named
from marketplace.parties.lookups import get_party
from marketplace.relations.partner_models import PartnerTier
from orders.offers.floors import APPROVE
from orders.offers.make_offer import MakeOffer, make_offer, withdraw_offer
from orders.offers.make_tier_offer import make_tier_offer
from orders.offers.queries import get_offer
from orders.offers.tier_offer_queries import tiers_to_offer

Answer = Response[str] | Response[bytes]


@page(addresses.SELLER_OFFERS, MANAGE)
def show_all(page_request: Given[PageRequest]) -> Answer:
    """What was offered, the newest first."""
    require_seller(page_request)
    view = SellerOffersView(*offer_list(page_request, addresses.SELLER_OFFERS, sells=True))
    floors = addresses.SELLER_OFFER_FLOORS if page_request.principal.may(APPROVE) else ""
    return page_request.render(replace(view, floors=floors))


@page(addresses.SELLER_OFFER_NEW, MANAGE)
def show_new(page_request: Given[PageRequest]) -> Answer:
    """The form of a private offer."""
    require_seller(page_request)
    return page_request.render(_new(page_request))


@form_post(addresses.SELLER_OFFERS, MANAGE)
def make(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer it: pressed twice it is one offer."""
    require_seller(page_request)
    if (shown := editor_asked(page_request, form, lambda typed: _new(page_request, typed))) is not None:
        return shown
    typed = typed_of(page_request, form)
    try:
        if typed.tier_id:
            return _made_to_tier(page_request, typed)
        buyer_id = _named(page_request, typed.organization)
        made, notice = page_request.transact(lambda uow: _made(uow, command_of(uow, typed, buyer_org_id=buyer_id)))
    except DomainError as refused:
        view = replace(_new(page_request, typed), **wrong(page_request, refused, typed))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.seller_offer(made), notice=notice)


@page("/seller/offers/{offer_id:uuid}", MANAGE)
def show_one(offer_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """An offer that one's organization made."""
    return page_request.render(_one(page_request, offer_id))


@form_post("/seller/offers/{offer_id:uuid}/replacement", MANAGE)
def make_in_place(offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make another private offer in its place: pressed twice it is one."""
    with page_request.work() as uow:
        get_offer(uow, offer_id, sells=True, countered=False)
    if (shown := editor_asked(page_request, form, lambda typed: _one(page_request, offer_id, typed))) is not None:
        return shown
    typed = typed_of(page_request, form)
    try:
        made, notice = page_request.transact(lambda uow: _made(uow, command_of(uow, typed, supersedes_id=offer_id)))
    except DomainError as refused:
        view = replace(_one(page_request, offer_id, typed), **wrong(page_request, refused, typed))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.seller_offer(made), notice=notice)


@form_post("/seller/offers/{offer_id:uuid}/withdraw", MANAGE)
def withdraw(offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take it back."""
    del form
    with page_request.work() as uow:
        lead_id = get_offer(uow, offer_id, sells=True, countered=False).lead_id
    try:
        page_request.transact(lambda uow: withdraw_offer(uow, offer_id).id)
    except DomainError as refused:
        view = replace(_one(page_request, offer_id), **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(
        addresses.seller_lead(str(lead_id)) if lead_id else addresses.seller_offer(str(offer_id))
    )


def _made_to_tier(page_request: PageRequest, typed: OfferTyped) -> Answer:
    """Offer it to all partners in the tier: pressed twice it is one offer. Raises Invalid(`offer_addressee`)."""
    if typed.organization.strip():
        raise Invalid("offer_addressee", field="organization")
    tier_id = parse_uuid_or_404(typed.tier_id, "partner_tier_not_found")

    def work(uow: UnitOfWork) -> tuple[str, str]:
        offer = make_tier_offer(uow, tier_id, command_of(uow, typed))
        return str(offer.id), "offer_waits" if offer.state == "awaiting_approval" else "tier_offer_made"

    made, notice = page_request.transact(work)
    return page_request.redirect(addresses.partners.tier_offer(made), notice=notice)


def _made(uow: UnitOfWork, command: MakeOffer) -> tuple[str, str]:
    """The offer, and what its maker is told."""
    offer = make_offer(uow, command)
    return str(offer.id), made_notice(offer)


def _one(page_request: PageRequest, offer_id: UUID, typed: OfferTyped | None = None) -> OfferPage:
    """With the form of another in its place, where it is private and open."""
    shown = offer_page(page_request, offer_id, sells=True)
    with page_request.work() as uow:
        offer = get_offer(uow, offer_id, sells=True)
        if offer.lead_id is not None or offer.state != "open":
            return shown
        time_zone = get_party(uow, offer.seller_org_id).time_zone
        plans = own_plans(page_request, uow)
    usual = filled_in(lines_to_answer(page_request, offer), time_zone, offer)
    return replace(
        shown, plans=plans, offered=typed or usual, again=addresses.seller_offer(str(offer_id), "/replacement")
    )


def _new(page_request: PageRequest, typed: OfferTyped | None = None) -> NewOfferView:
    with page_request.work() as uow:
        time_zone = get_party(uow, uow.principal.organization()).time_zone
        plans = own_plans(page_request, uow)
        tiers = tiers_to_offer(uow)
    usual = filled_in((OfferLineTyped("", quantity="1"),), time_zone)
    to, tier_id = page_request.query("organization", most=200), page_request.query("tier_id", most=40)
    offered = typed or replace(usual, organization=to, tier_id=tier_id)
    return NewOfferView(plans, offered, _tiers(page_request, tiers))


def _tiers(page_request: PageRequest, tiers: Sequence[PartnerTier]) -> tuple[Choice, ...]:
    """With none of them as the first choice; nothing without a tier."""
    names = [Choice(str(one.id), page_request.pick(one.name, one.name_en or one.name)) for one in tiers]
    return (Choice("", page_request.t("offers.no_tier")), *names) if names else ()


def _named(page_request: PageRequest, typed: str) -> UUID:
    """The one organization that was named. Raises Invalid(`offer_buyer_unknown`, `offer_buyer_ambiguous`), TooMany."""
    said = typed.strip()
    if (known := parse_uuid(said)) is not None:
        return known
    found = page_request.transact(lambda uow: find_named(uow, said)) if len(said) >= SHORTEST else ()
    if not found:
        raise Invalid("offer_buyer_unknown", field="organization")
    if len(found) > 1:
        names = " · ".join(f"{one.legal_name} ({one.id})" for one in found)
        raise Invalid("offer_buyer_ambiguous", field="organization", names=names)
    return found[0].id


routes = [show_all, show_new, make, show_one, make_in_place, withdraw]
