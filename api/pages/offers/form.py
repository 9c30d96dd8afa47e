"""The form of an offer: what stands in it, what it means, and where its mistakes are said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from api.pages.frame.choices import Choice
from api.pages.frame.phrases import priced
from api.pages.frame.prices import amount_as_typed, parse_amount
from api.pages.frame.site import Form, PageRequest, parse_uuid_or_404
from api.pages.frame.typed_numbers import find_whole, plain
from api.pages.offers.presenter import refusal
from api.pages.offers.views import OfferLineTyped, OfferTyped
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid
from marketplace.catalog.queries import ListingView, PlanView, list_own_plans
from marketplace.catalog.sellable import get_sellable
from marketplace.pricing.shapes import MAX_SEATS
from orders.offers.make_offer import MakeOffer
from orders.offers.models import Offer
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import CounterLineView, OfferLineView, OfferView

HOLDS = timedelta(days=30)
"""What the form proposes."""
MORE_LINES = ("_2", "_3", "_4", "_5")
"""What the names of fields of further lines end in; the API takes as many as a quote."""
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)
_PPM_OF_PERCENT = 10_000


def own_plans(page_request: PageRequest, uow: UnitOfWork, listing_id: UUID | None = None) -> tuple[Choice, ...]:
    """Whatever the seller has on sale, those of `listing_id` first."""
    found = sorted(list_own_plans(uow), key=lambda one: one[0].id != listing_id)
    return tuple(_plan(page_request, listing, plan) for listing, plan in found if listing.state == "published")


def filled_in(lines: Sequence[OfferLineTyped], today: date, offer: OfferView | None = None) -> OfferTyped:
    """The form with these lines in it and room for further ones; with the terms of the offer that it is to replace."""
    suffixes = ("", *MORE_LINES)
    filled = [replace(line, suffix=suffix) for line, suffix in zip(lines, suffixes, strict=False)]
    empty = map(OfferLineTyped, suffixes[len(filled) :])
    shown = OfferTyped(filled[0], (*filled[1:], *empty), (today + HOLDS).isoformat())
    return replace(shown, terms=offer.terms, takes_more=offer.takes_more) if offer else shown


def lines_to_answer(offer: OfferView) -> tuple[OfferLineTyped, ...]:
    """Its lines with the figures that its buyer proposed last, or with its own: one press offers them."""
    wanted: Sequence[OfferLineView | CounterLineView] = (
        offer.counter_offers[-1].lines if offer.counter_offers else offer.lines
    )
    return tuple(
        OfferLineTyped(
            "", str(line.plan_id), str(figures.quantity), amount_as_typed(figures.unit_price_minor, figures.currency)
        )
        for line, figures in zip(offer.lines, wanted, strict=True)
    )


def typed_of(form: Form) -> OfferTyped:
    """What was typed, as it was."""
    return OfferTyped(
        _line(form, ""),
        tuple(_line(form, suffix) for suffix in MORE_LINES),
        form.values.get("valid_on", "")[:40],
        form.values.get("terms", "")[:5_000],
        form.values.get("takes_more", "") == "yes",
        form.values.get("organization", "")[:300],
    )


def command_of(uow: UnitOfWork, typed: OfferTyped, **to: UUID) -> MakeOffer:
    """What it means; `to` says whom. Raises Invalid for what is no number or day."""
    lines = tuple(_offered(uow, one, line) for line, one in enumerate(_filled(typed), 1))
    named: dict[str, Any] = {"lead_id": None} | to
    return MakeOffer(
        plans=lines, valid_on=_day(typed.valid_on), terms=typed.terms, takes_more=typed.takes_more, **named
    )


def made_notice(offer: Offer) -> str:
    """What whoever made it is told: that it was sent, or that a colleague has to approve it."""
    return "offer_waits" if offer.state == "awaiting_approval" else "offer_made"


def wrong(page_request: PageRequest, refused: DomainError, typed: OfferTyped) -> dict[str, Any]:
    """The mistake, said at the field of the line that it is in."""
    said, line = refusal(page_request, refused), refused.params.get("line")
    if "error_field" in said and isinstance(line, int):
        said["error_field"] += _filled(typed)[line - 1].suffix
    return said


def _plan(page_request: PageRequest, listing: ListingView, plan: PlanView) -> Choice:
    price = priced(page_request, plan.unit_price_minor, plan.currency, plan.price_unit, plan.pricing)
    title, name = page_request.pick(listing.title, listing.title_en), page_request.pick(plan.name, plan.name_en)
    return Choice(str(plan.id), f"{title} · {name} · {price}")


def _line(form: Form, suffix: str) -> OfferLineTyped:
    names = ("plan_id", "quantity", "unit_price", "discount_ppm")
    return OfferLineTyped(suffix, *(form.values.get(f"{name}{suffix}", "")[:40] for name in names))


def _filled(typed: OfferTyped) -> list[OfferLineTyped]:
    """The first line, and of the further ones those with a plan."""
    return [typed.first, *(one for one in typed.more if one.plan_id)]


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
