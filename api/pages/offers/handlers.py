"""Offers to one's organization on pages: all of them, one, declined, and answered with other figures."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.frame.typed_numbers import find_whole
from api.pages.offers.presenter import offer_list, offer_page, refusal
from api.pages.offers.views import CounterLineTyped, OfferForms, OfferPage, OffersView
from kernel.errors import DomainError, Invalid
from orders.checkout.approval_reasons import BUY
from orders.offers.counter_offer import MakeCounterOffer, ProposedLine, make_counter_offer
from orders.offers.decline_offer import DeclineOffer, decline_offer
from orders.offers.queries import OfferView, get_offer

Answer = Response[str] | Response[bytes]


@page(addresses.OFFERS, SIGNED_IN)
def show_all(page_request: Given[PageRequest]) -> Answer:
    """What one's organization was offered, the newest first."""
    return page_request.render(OffersView(*offer_list(page_request, addresses.OFFERS, sells=False)))


@page("/offers/{offer_id:uuid}", SIGNED_IN)
def show_own(offer_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """An offer to one's organization."""
    return page_request.render(offer_page(page_request, offer_id, sells=False))


@form_post("/offers/{offer_id:uuid}/decline", BUY)
def decline(offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say no to it: pressed twice it is one no."""
    reason, text = form.text("reason", most=20), form.values.get("decline_text", "")[:2_000]
    offer = _offer(page_request, offer_id)
    try:
        page_request.transact(lambda uow: decline_offer(uow, DeclineOffer(offer_id, reason or None, text)).id)
    except DomainError as refused:
        return _refused(page_request, offer_id, refused, "decline_text", reason=reason, decline_text=text)
    return page_request.redirect(_shown_at(offer), notice="offer_declined")


@form_post("/offers/{offer_id:uuid}/counter", BUY)
def counter(offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Propose other figures: pressed twice it is one proposal."""
    text = form.values.get("counter_text", "")[:2_000]
    offer = _offer(page_request, offer_id)
    typed = {
        f"{name}_{line.number}": form.values.get(f"{name}_{line.number}", "")[:40]
        for line in offer.lines
        for name in ("quantity", "unit_price")
    }
    try:
        command = MakeCounterOffer(offer_id, _proposed(offer, typed), text)
        page_request.transact(lambda uow: make_counter_offer(uow, command).id)
    except DomainError as refused:
        view = _refused_view(page_request, offer_id, refused, "counter_text")
        if view.item.forms is not None:
            view = _with(view, counter_text=text, lines=_as_typed(view.item.forms, typed))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(_shown_at(offer), notice="offer_countered")


def _offer(page_request: PageRequest, offer_id: UUID) -> OfferView:
    with page_request.work() as uow:
        return get_offer(uow, offer_id, sells=False, countered=False)


def _shown_at(offer: OfferView) -> str:
    """In the thread of its request, or on its own page."""
    return addresses.request(str(offer.lead_id)) if offer.lead_id else addresses.offer(str(offer.id))


def _proposed(offer: OfferView, typed: dict[str, str]) -> tuple[ProposedLine, ...]:
    found = []
    for line in offer.lines:
        price_minor = parse_amount(typed[f"unit_price_{line.number}"], line.currency)
        if price_minor is None:
            raise Invalid("counter_offer_price", field="unit_price", line=line.number)
        quantity = find_whole(typed[f"quantity_{line.number}"]) if line.sold_by_seat else 1
        found.append(ProposedLine(line.number, quantity or 0, price_minor))
    return tuple(found)


def _as_typed(forms: OfferForms, typed: dict[str, str]) -> tuple[CounterLineTyped, ...]:
    return tuple(
        replace(
            line,
            unit_price=typed[f"unit_price_{line.number}"],
            quantity=None if line.quantity is None else typed[f"quantity_{line.number}"],
        )
        for line in forms.lines
    )


def _refused(
    page_request: PageRequest, offer_id: UUID, refused: DomainError, text_field: str, **typed: str
) -> Response[str]:
    view = _with(_refused_view(page_request, offer_id, refused, text_field), **typed)
    return page_request.render(view, status=refused.status)


def _refused_view(page_request: PageRequest, offer_id: UUID, refused: DomainError, text_field: str) -> OfferPage:
    """The offer's own page, with what is wrong said at the field of the line that it is in."""
    view = replace(offer_page(page_request, offer_id, sells=False), **refusal(page_request, refused))
    line = refused.params.get("line")
    if view.error_field == "text":
        return replace(view, error_field=text_field)
    if view.error_field == "lines":
        return replace(view, error_field="", field_error="", error=view.field_error)
    return replace(view, error_field=f"{view.error_field}_{line}") if view.error_field and line else view


def _with(view: OfferPage, **typed: object) -> OfferPage:
    """The page with what stands in its forms; where the offer takes no answer any more there are none."""
    if view.item.forms is None:
        return view
    forms = replace(view.item.forms, **typed)  # type: ignore[arg-type]  # fields of the forms, by name
    return replace(view, item=replace(view.item, forms=forms))


routes = [show_all, show_own, decline, counter]
