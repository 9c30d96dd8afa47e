"""The form of an offer: what stands in it, what it means, and where its mistakes are said."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response

from api.pages.frame.choices import Choice
from api.pages.frame.phrases import priced
from api.pages.frame.prices import amount_as_typed, parse_amount
from api.pages.frame.site import Form, PageRequest, parse_uuid_or_404
from api.pages.frame.typed_numbers import find_whole, plain
from api.pages.listings.price_editor import price_choices, price_rows
from api.pages.listings.price_form import price_of, price_values
from api.pages.listings.views import SectionForm
from api.pages.offers.presenter import refusal
from api.pages.offers.views import OfferLineTyped, OfferTyped, OwnPriceForm
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.plan_terms import MAX_CONTRACT_TERMS
from marketplace.catalog.queries import ListingView, PlanView, list_own_plans
from marketplace.catalog.sellable import get_sellable
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.offered import is_one_figure
from marketplace.pricing.shapes import MAX_SEATS
from orders.offers.make_offer import MakeOffer
from orders.offers.models import Offer
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import CounterLineView, OfferLineView, OfferView

HOLDS = timedelta(days=30)
"""What the form proposes."""
MORE_LINES = ("_2", "_3", "_4", "_5")
"""What the names of fields of further lines end in; the API takes as many as a quote."""
_OWN = "own."
"""What a field of a line's price editor begins with in a refusal."""
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)
_PPM_OF_PERCENT = 10_000


def own_plans(page_request: PageRequest, uow: UnitOfWork, listing_id: UUID | None = None) -> tuple[Choice, ...]:
    """Whatever the seller has on sale, those of `listing_id` first."""
    found = sorted(list_own_plans(uow), key=lambda one: one[0].id != listing_id)
    return tuple(_plan(page_request, listing, plan) for listing, plan in found if listing.state == "published")


def filled_in(lines: Sequence[OfferLineTyped], time_zone: str, offer: OfferView | None = None) -> OfferTyped:
    """The form with these lines in it and room for further ones; with the terms of the offer that it is to replace.

    `time_zone`: of the seller's calendar.
    """
    suffixes = ("", *MORE_LINES)
    filled = [replace(line, suffix=suffix) for line, suffix in zip(lines, suffixes, strict=False)]
    empty = map(OfferLineTyped, suffixes[len(filled) :])
    shown = OfferTyped(filled[0], (*filled[1:], *empty), (clock.today(time_zone) + HOLDS).isoformat())
    if offer is None:
        return shown
    return replace(
        shown,
        terms=offer.terms,
        takes_more=offer.takes_more,
        contract_terms=str(offer.contract_terms or ""),
        contract_ends_on=_last_day(offer, time_zone),
    )


def lines_to_answer(page_request: PageRequest, offer: OfferView) -> tuple[OfferLineTyped, ...]:
    """Its lines with the figures that its buyer proposed last, or with its own: one press offers them."""
    wanted: Sequence[OfferLineView | CounterLineView] = (
        offer.counter_offers[-1].lines if offer.counter_offers else offer.lines
    )
    suffixes = ("", *MORE_LINES)
    return tuple(
        OfferLineTyped(
            suffix,
            str(line.plan_id),
            str(figures.quantity),
            "" if line.own_price else amount_as_typed(figures.unit_price_minor, figures.currency),
            own=own_price(page_request, suffix, _sold_from(line.own_price, figures.quantity))
            if line.own_price
            else None,
            instalments=str(line.instalments) if line.instalments > 1 and not line.own_price else "",
        )
        for suffix, line, figures in zip(suffixes, offer.lines, wanted, strict=False)
    )


def _sold_from(price: PlanPrice, quantity: int) -> dict[str, str]:
    """The figures of an offer in the editor, so that they are sold in the number that its buyer would take."""
    seats = price.seats
    least = {"seats_minimum": str(min(seats.minimum, quantity))} if seats is not None else {}
    return price_values(price) | least


def own_price(
    page_request: PageRequest, suffix: str, values: Mapping[str, str], wrong: Mapping[str, str] | None = None
) -> OwnPriceForm:
    """The plan's price editor within a line, with these values."""
    form = SectionForm(f"own{suffix}", values, wrong=wrong or {}, prefix=_prefix(suffix))
    return OwnPriceForm(form, price_rows(form), **price_choices(page_request.language))


def typed_of(page_request: PageRequest, form: Form) -> OfferTyped:
    """What was typed, as it was."""
    return OfferTyped(
        _line(page_request, form, ""),
        tuple(_line(page_request, form, suffix) for suffix in MORE_LINES),
        form.values.get("valid_on", "")[:40],
        form.values.get("terms", "")[:5_000],
        form.values.get("takes_more", "") == "yes",
        form.values.get("contract_terms", "")[:40],
        form.values.get("contract_ends_on", "")[:40],
        form.values.get("organization", "")[:300],
        form.values.get("tier_id", "")[:40],
    )


def editor_asked(page_request: PageRequest, form: Form, draw: Callable[[OfferTyped], Any]) -> Response[str] | None:
    """The page again, where the form was sent to open or close the price editor of a line; nothing is offered then.

    `draw`: the page with these lines in its form.
    """
    if "editor" not in form.values:
        return None
    typed = typed_of(page_request, form)
    try:
        with page_request.work() as uow:
            changed = _with_editor(page_request, uow, form, typed)
    except DomainError as refused:
        view = replace(draw(typed), **wrong(page_request, refused, typed))
        return page_request.render(view, status=refused.status)
    return page_request.render(draw(changed))


def _with_editor(page_request: PageRequest, uow: UnitOfWork, form: Form, typed: OfferTyped) -> OfferTyped:
    """What was typed, with the editor of the line that was named: closed where it was open, else with its plan's price in it.

    Raises as `get_sellable`, with the line: Invalid `offer_price_unfit` of a plan of a single price.
    """
    lines = [typed.first, *typed.more]
    at = next((at for at, one in enumerate(lines) if one.suffix == form.values["editor"]), 0)
    line = lines[at]
    if line.own is not None:
        lines[at] = replace(line, own=None)
    else:
        price = plan_price(get_sellable(uow, parse_uuid_or_404(line.plan_id, "plan_not_found")))
        if is_one_figure(price):
            filled = _filled(replace(typed, more=typed.more[:at]))
            raise Invalid("offer_price_unfit", field="unit_price", line=len(filled))
        lines[at] = replace(
            line, unit_price="", discount_ppm="", own=own_price(page_request, line.suffix, price_values(price))
        )
    return replace(typed, first=lines[0], more=tuple(lines[1:]))


def command_of(uow: UnitOfWork, typed: OfferTyped, **to: UUID) -> MakeOffer:
    """What it means; `to` says whom. Raises Invalid for what is no number or day."""
    lines = tuple(_offered(uow, one, line) for line, one in enumerate(_filled(typed), 1))
    named: dict[str, Any] = {"lead_id": None} | to
    return MakeOffer(
        plans=lines,
        valid_on=_day(typed.valid_on),
        terms=typed.terms,
        takes_more=typed.takes_more,
        contract_terms=_terms(typed.contract_terms),
        contract_ends_on=_day(typed.contract_ends_on, "contract_ends_on") if typed.contract_ends_on.strip() else None,
        **named,
    )


def made_notice(offer: Offer) -> str:
    """What whoever made it is told: that it was sent, or that a colleague has to approve it."""
    return "offer_waits" if offer.state == "awaiting_approval" else "offer_made"


def wrong(page_request: PageRequest, refused: DomainError, typed: OfferTyped) -> dict[str, Any]:
    """The mistake, said at the field of the line that it is in."""
    said, line = refusal(page_request, refused), refused.params.get("line")
    if "error_field" not in said or not isinstance(line, int):
        return said
    suffix = _filled(typed)[line - 1].suffix
    if said["error_field"].startswith(_OWN):
        return {"offered": _with_wrong(page_request, typed, suffix, said)}
    return said | {"error_field": said["error_field"] + suffix}


def _with_wrong(page_request: PageRequest, typed: OfferTyped, suffix: str, said: dict[str, Any]) -> OfferTyped:
    """With what is wrong said at its field of the line's price editor."""
    name = said["error_field"].removeprefix(_OWN)

    def marked(line: OfferLineTyped) -> OfferLineTyped:
        if line.suffix != suffix or line.own is None:
            return line
        return replace(line, own=own_price(page_request, suffix, line.own.form.values, {name: said["field_error"]}))

    return replace(typed, first=marked(typed.first), more=tuple(map(marked, typed.more)))


def _plan(page_request: PageRequest, listing: ListingView, plan: PlanView) -> Choice:
    price = priced(page_request, plan.unit_price_minor, plan.currency, plan.price_unit, plan.pricing)
    title, name = page_request.pick(listing.title, listing.title_en), page_request.pick(plan.name, plan.name_en)
    return Choice(str(plan.id), f"{title} · {name} · {price}")


def _line(page_request: PageRequest, form: Form, suffix: str) -> OfferLineTyped:
    plan_id, quantity, unit_price, discount, parts = (
        form.values.get(f"{name}{suffix}", "")[:40]
        for name in ("plan_id", "quantity", "unit_price", "discount_ppm", "instalments")
    )
    line = OfferLineTyped(suffix, plan_id, quantity, unit_price, discount, instalments=parts)
    prefix = _prefix(suffix)
    own = {name.removeprefix(prefix): said for name, said in form.values.items() if name.startswith(prefix)}
    return replace(line, own=own_price(page_request, suffix, own)) if own else line


def _prefix(suffix: str) -> str:
    """What the names of the fields of a line's price editor begin with."""
    return f"own{suffix or '_1'}-"


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
    own = _own_price(typed.own, plan.currency.strip(), line) if typed.own is not None else None
    parts = find_whole(typed.instalments) if typed.instalments.strip() else None
    if typed.instalments.strip() and parts is None:
        raise Invalid("instalments_unfit", field="instalments", line=line)
    return OfferedPlan(plan.plan_id, quantity, price, _ppm(typed.discount_ppm, line), own, parts)


def _own_price(own: OwnPriceForm, currency: str, line: int) -> PlanPrice:
    try:
        return price_of(Form(own.form.values, {}), currency)
    except Invalid as refused:
        raise Invalid(refused.code, field=f"{_OWN}{refused.field}", **refused.params, line=line) from refused


def _terms(typed: str) -> int | None:
    if not typed.strip():
        return None
    terms = find_whole(typed)
    if terms is None:
        raise Invalid("contract_terms_invalid", field="contract_terms", limit=MAX_CONTRACT_TERMS)
    return terms


def _ppm(percent: str, line: int) -> int | None:
    figure = plain(percent).removesuffix("%").strip()
    if not figure:
        return None
    if not _PERCENT.fullmatch(figure):
        raise Invalid("offer_price", field="discount_ppm", line=line)
    return int(Decimal(figure) * _PPM_OF_PERCENT)


def _last_day(offer: OfferView, time_zone: str) -> str:
    """Of its contract, as it stands in the field: where its seller keeps its calendar."""
    if offer.contract_ends_at is None:
        return ""
    return (offer.contract_ends_at - timedelta(seconds=1)).astimezone(ZoneInfo(time_zone)).date().isoformat()


def _day(typed: str, field: str = "valid_on") -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise Invalid("validation_failed", field=field) from error
