"""A seller's offers to tiers on pages: all of them, one with what became of each partner's, and its approval.

They are made with the form of a private offer (`seller_handlers`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import money
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.offers.presenter import (
    approval_item,
    contract_in_words,
    line_item,
    offer_item,
    refusal,
)
from api.pages.offers.tier_views import TierOfferPage, TierOfferRow, TierOffersView
from api.pages.offers.views import OfferItem
from kernel.errors import DomainError
from orders.offers.decide_offer import others_decide
from orders.offers.floors import APPROVE
from orders.offers.make_tier_offer import MANAGE, DecideTierOffer, decide_tier_offer, withdraw_tier_offer
from orders.offers.queries import list_offers
from orders.offers.tier_offer_queries import TierOfferView, get_tier_offer, list_tier_offers, tiers_to_offer

Answer = Response[str] | Response[bytes]


@page(addresses.partners.TIER_OFFERS, MANAGE)
def show_all(page_request: Given[PageRequest]) -> Answer:
    """What was offered to tiers, the newest first."""
    require_seller(page_request)
    with page_request.work() as uow:
        found = list_tier_offers(uow, cursor=page_request.query("cursor", most=200) or None)
        has_tiers = bool(tiers_to_offer(uow))
    rows = tuple(_row(page_request, one) for one in found.items)
    new = addresses.SELLER_OFFER_NEW if has_tiers else addresses.partners.SELLER_PARTNERS
    following = addresses.next_page(addresses.partners.TIER_OFFERS, found.next_cursor)
    return page_request.render(TierOffersView(rows, new, following))


@page("/seller/tier-offers/{tier_offer_id:uuid}", MANAGE)
def show_one(tier_offer_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One, and what became of each partner's."""
    return page_request.render(_one(page_request, tier_offer_id))


@form_post("/seller/tier-offers/{tier_offer_id:uuid}/withdraw", MANAGE)
def withdraw(tier_offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take it back from whoever did not accept it."""
    del form
    try:
        page_request.transact(lambda uow: withdraw_tier_offer(uow, tier_offer_id).id)
    except DomainError as refused:
        view = replace(_one(page_request, tier_offer_id), **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.partners.tier_offer(str(tier_offer_id)))


@form_post("/seller/tier-offers/{tier_offer_id:uuid}/decision", APPROVE)
def decide(tier_offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Approve it or reject it: pressed twice it is decided once."""
    decision, text = form.text("decision", most=20), form.values.get("decision_text", "")[:2_000]
    try:
        command = DecideTierOffer(tier_offer_id, decision, text)
        page_request.transact(lambda uow: decide_tier_offer(uow, command).id)
    except DomainError as refused:
        view = replace(_one(page_request, tier_offer_id), **refusal(page_request, refused))
        if view.error_field:
            view = replace(view, error_field="decision_text")
        if view.item.approval is not None:
            view = replace(view, item=replace(view.item, approval=replace(view.item.approval, typed=text)))
        return page_request.render(view, status=refused.status)
    notice = "tier_offer_made" if decision == "approved" else "offer_rejected"
    return page_request.redirect(addresses.partners.tier_offer(str(tier_offer_id)), notice=notice)


def _one(page_request: PageRequest, tier_offer_id: UUID) -> TierOfferPage:
    with page_request.work() as uow:
        offer = get_tier_offer(uow, tier_offer_id)
        cursor = page_request.query("cursor", most=200) or None
        found = list_offers(uow, sells=True, cursor=cursor, tier_offer_id=tier_offer_id)
        mine = offer.made_by == page_request.principal.person_id
        decides = offer.state == "awaiting_approval" and page_request.principal.may(APPROVE)
        alone = decides and (not mine or not others_decide(uow, offer.made_by))
    address = addresses.partners.tier_offer(str(tier_offer_id))
    item = _item(page_request, offer)
    if item.approval is not None:
        act = f"{address}/decision" if alone else ""
        item = replace(item, approval=replace(item.approval, act=act, is_own=decides and mine and not alone))
    rows = tuple(offer_item(page_request, one, sells=True) for one in found.items)
    following = addresses.next_page(address, found.next_cursor)
    return TierOfferPage(item, offer.sent, offer.accepted, rows, following)


def _item(page_request: PageRequest, offer: TierOfferView) -> OfferItem:
    lines = tuple(line_item(page_request, one) for one in offer.lines)
    address = addresses.partners.tier_offer(str(offer.id))
    return OfferItem(
        address=address,
        what=" + ".join(one.what for one in lines),
        other=page_request.pick(offer.tier_name, offer.tier_name_en),
        lines=lines,
        total=money(offer.total_minor, offer.currency),
        state="expired" if offer.is_expired else offer.state,
        until=offer.valid_until - timedelta(seconds=1),
        at=offer.created_at,
        act=f"{address}/withdraw" if offer.state in {"open", "awaiting_approval"} else "",
        order="",
        terms=offer.terms,
        takes_more=offer.takes_more,
        contract=contract_in_words(page_request, offer),
        # Each partner's offer is drawn, with its name; this one is not.
        is_shown=False,
        approval=approval_item(page_request, offer, offer.approval) if offer.approval is not None else None,
    )


def _row(page_request: PageRequest, offer: TierOfferView) -> TierOfferRow:
    item = _item(page_request, offer)
    return TierOfferRow(
        item.address,
        item.what,
        item.other,
        item.total,
        item.state,
        offer.sent,
        offer.accepted,
        item.until,
        item.at,
    )


routes = [show_all, show_one, withdraw, decide]
