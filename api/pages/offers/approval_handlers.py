"""A seller's discount floors on a page, and what becomes of an offer below one."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.frame.typed_numbers import plain
from api.pages.offers.presenter import offer_page, refusal
from api.pages.offers.views import FloorItem, OfferFloorsView
from kernel.errors import DomainError, Invalid
from marketplace.catalog.queries import list_own_plans
from orders.offers.decide_offer import DecideOffer, decide_offer
from orders.offers.floors import APPROVE, FloorView, SetFloor, list_floors, set_floor

Answer = Response[str] | Response[bytes]
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)
_PPM_OF_PERCENT = 10_000


@page(addresses.SELLER_OFFER_FLOORS, APPROVE)
def show_floors(page_request: Given[PageRequest]) -> Answer:
    """Down to where anybody may offer."""
    require_seller(page_request)
    return page_request.render(_floors(page_request))


@form_post(addresses.SELLER_OFFER_FLOORS, APPROVE)
def save_floor(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Set one, or remove it by leaving it empty: pressed twice it is the same."""
    require_seller(page_request)
    product, floor = form.text("product", most=40), form.values.get("floor", "")[:40]
    try:
        listing_id = parse_uuid_or_404(product, "listing_not_found") if product else None
        page_request.transact(lambda uow: set_floor(uow, SetFloor(listing_id, _ppm(floor))))
    except DomainError as refused:
        view = replace(_floors(page_request), product=product, floor=floor, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.SELLER_OFFER_FLOORS, notice="offer_floor_set")


@form_post("/seller/offers/{offer_id:uuid}/decision", APPROVE)
def decide(offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Approve it or reject it: pressed twice it is decided once."""
    decision, text = form.text("decision", most=20), form.values.get("decision_text", "")[:2_000]
    try:
        page_request.transact(lambda uow: decide_offer(uow, DecideOffer(offer_id, decision, text)).id)
    except DomainError as refused:
        view = replace(offer_page(page_request, offer_id, sells=True), **refusal(page_request, refused))
        if view.error_field:
            view = replace(view, error_field="decision_text")
        if view.item.approval is not None:
            approval = replace(view.item.approval, typed=text)
            view = replace(view, item=replace(view.item, approval=approval))
        return page_request.render(view, status=refused.status)
    notice = "offer_approved" if decision == "approved" else "offer_rejected"
    return page_request.redirect(addresses.seller_offer(str(offer_id)), notice=notice)


def _floors(page_request: PageRequest) -> OfferFloorsView:
    with page_request.work() as uow:
        floors = list_floors(uow)
        own = list_own_plans(uow)
    titles = {str(listing.id): page_request.pick(listing.title, listing.title_en) for listing, _ in own}
    all_products = Choice("", page_request.t("offers.floor_of_all"))
    return OfferFloorsView(
        tuple(_item(page_request, one) for one in floors),
        (all_products, *(Choice(*one) for one in titles.items())),
    )


def _item(page_request: PageRequest, floor: FloorView) -> FloorItem:
    title = (
        page_request.pick(floor.title, floor.title_en) if floor.listing_id else page_request.t("offers.floor_of_all")
    )
    return FloorItem(str(floor.listing_id or ""), title, page_request.formats.rate(floor.floor_ppm))


def _ppm(percent: str) -> int | None:
    figure = plain(percent).removesuffix("%").strip()
    if not figure:
        return None
    if not _PERCENT.fullmatch(figure):
        raise Invalid("offer_floor", field="floor")
    return int(Decimal(figure) * _PPM_OF_PERCENT)


routes = [show_floors, save_floor, decide]
