"""A seller's offers on a request: made, taken back, and declined. The buyer accepts them in the purchase sheet."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form, PageRequest, form_post, parse_uuid_or_404
from api.pages.frame.typed_numbers import plain, whole_number
from api.pages.leads.presenter import own_page, refusal, seller_page
from api.pages.leads.views import OfferTyped
from api.v1.offers import MANAGE
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.catalog.sellable import get_sellable
from marketplace.leads.queries import get_seller_lead
from marketplace.pricing.shapes import MAX_SEATS
from orders.offers.decline_offer import DeclineOffer, decline_offer
from orders.offers.make_offer import MakeOffer, make_offer, withdraw_offer
from orders.offers.queries import get_offer

Answer = Response[str] | Response[bytes]
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)
_PPM_OF_PERCENT = 10_000


@form_post("/seller/leads/{lead_id:uuid}/offers", MANAGE)
def make(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer a price: pressed twice it is one offer, another one takes its place."""
    typed = OfferTyped(**{one.name: form.values.get(one.name, "")[:40] for one in fields(OfferTyped)})

    def work(uow: UnitOfWork) -> UUID:
        get_seller_lead(uow, lead_id)
        return make_offer(uow, _command(uow, lead_id, typed)).id

    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(seller_page(page_request, lead_id, typed), **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.seller_lead(str(lead_id)), notice="offer_made")


@form_post("/seller/offers/{offer_id:uuid}/withdraw", MANAGE)
def withdraw(offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take it back."""
    del form
    with page_request.work() as uow:
        lead_id = get_offer(uow, offer_id, sells=True).lead_id
    try:
        page_request.transact(lambda uow: withdraw_offer(uow, offer_id).id)
    except DomainError as refused:
        view = replace(seller_page(page_request, lead_id), **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.seller_lead(str(lead_id)))


@form_post("/offers/{offer_id:uuid}/decline", SIGNED_IN)
def decline(offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say no to it: pressed twice it is one no."""
    reason, text = form.text("reason", most=20), form.values.get("decline_text", "")[:2_000]
    with page_request.work() as uow:
        lead_id = get_offer(uow, offer_id, sells=False).lead_id
    try:
        page_request.transact(lambda uow: decline_offer(uow, DeclineOffer(offer_id, reason or None, text)).id)
    except DomainError as refused:
        wrong = refusal(page_request, refused)
        if wrong.get("error_field") == "text":
            wrong["error_field"] = "decline_text"
        view = replace(own_page(page_request, lead_id), reason=reason, decline_text=text, **wrong)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.request(str(lead_id)), notice="offer_declined")


def _command(uow: UnitOfWork, lead_id: UUID, typed: OfferTyped) -> MakeOffer:
    plan = get_sellable(uow, parse_uuid_or_404(typed.plan_id, "plan_not_found"))
    price = parse_amount(typed.unit_price, plan.currency.strip()) if typed.unit_price else None
    if typed.unit_price and price is None:
        raise Invalid("offer_price", field="unit_price")
    return MakeOffer(
        lead_id,
        plan.plan_id,
        whole_number(typed.quantity, field="quantity", least=1, most=MAX_SEATS),
        _day(typed.valid_on),
        unit_price_minor=price,
        discount_ppm=_ppm(typed.discount_ppm),
    )


def _ppm(percent: str) -> int | None:
    figure = plain(percent).removesuffix("%").strip()
    if not figure:
        return None
    if not _PERCENT.fullmatch(figure):
        raise Invalid("offer_price", field="discount_ppm")
    return int(Decimal(figure) * _PPM_OF_PERCENT)


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise Invalid("validation_failed", field="valid_on") from error


routes = [make, withdraw, decline]
