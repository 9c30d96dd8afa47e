"""A seller answers a request with an offer, in its thread."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form, PageRequest, form_post, parse_uuid_or_404
from api.pages.frame.typed_numbers import find_whole, plain
from api.pages.leads.presenter import MORE_LINES, refusal, seller_page
from api.pages.leads.views import LeadPage, OfferLineTyped, OfferTyped
from api.v1.offers import MANAGE
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.catalog.sellable import get_sellable
from marketplace.leads.queries import get_seller_lead
from marketplace.pricing.shapes import MAX_SEATS
from orders.offers.make_offer import MakeOffer, OfferedPlan, make_offer

Answer = Response[str] | Response[bytes]
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)
_PPM_OF_PERCENT = 10_000


@form_post("/seller/leads/{lead_id:uuid}/offers", MANAGE)
def make(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer a price: pressed twice it is one offer, another one takes its place."""
    typed = OfferTyped(
        _typed(form, ""), tuple(_typed(form, suffix) for suffix in MORE_LINES), form.values.get("valid_on", "")[:40]
    )

    def work(uow: UnitOfWork) -> UUID:
        get_seller_lead(uow, lead_id)
        return make_offer(uow, _command(uow, lead_id, typed)).id

    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(seller_page(page_request, lead_id, typed), **refusal(page_request, refused))
        return page_request.render(_at_line(view, refused, typed), status=refused.status)
    return page_request.redirect(addresses.seller_lead(str(lead_id)), notice="offer_made")


def _typed(form: Form, suffix: str) -> OfferLineTyped:
    names = ("plan_id", "quantity", "unit_price", "discount_ppm")
    return OfferLineTyped(suffix, *(form.values.get(f"{name}{suffix}", "")[:40] for name in names))


def _at_line(view: LeadPage, refused: DomainError, typed: OfferTyped) -> LeadPage:
    """The mistake is said at the field of the line that it is in."""
    line = refused.params.get("line")
    if not view.error_field or not isinstance(line, int):
        return view
    return replace(view, error_field=f"{view.error_field}{_filled(typed)[line - 1].suffix}")


def _filled(typed: OfferTyped) -> list[OfferLineTyped]:
    """The first line, and of the further ones those with a plan."""
    return [typed.first, *(one for one in typed.more if one.plan_id)]


def _command(uow: UnitOfWork, lead_id: UUID, typed: OfferTyped) -> MakeOffer:
    lines = tuple(_offered(uow, one, line) for line, one in enumerate(_filled(typed), 1))
    return MakeOffer(lead_id, lines, _day(typed.valid_on))


def _offered(uow: UnitOfWork, typed: OfferLineTyped, line: int) -> OfferedPlan:
    plan = get_sellable(uow, parse_uuid_or_404(typed.plan_id, "plan_not_found"))
    price = parse_amount(typed.unit_price, plan.currency.strip()) if typed.unit_price else None
    if typed.unit_price and price is None:
        raise Invalid("offer_price", field="unit_price", line=line)
    quantity = find_whole(typed.quantity)
    if quantity is None or not 1 <= quantity <= MAX_SEATS:
        raise Invalid("number_out_of_range", field="quantity", line=line, least=1, most=MAX_SEATS)
    return OfferedPlan(plan.plan_id, quantity, price, _ppm(typed.discount_ppm, line))


def _ppm(percent: str, line: int) -> int | None:
    figure = plain(percent).removesuffix("%").strip()
    if not figure:
        return None
    if not _PERCENT.fullmatch(figure):
        raise Invalid("offer_price", field="discount_ppm", line=line)
    return int(Decimal(figure) * _PPM_OF_PERCENT)


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise Invalid("validation_failed", field="valid_on") from error


routes = [make]
