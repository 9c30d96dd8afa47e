"""The lines of an offer in the purchase sheet by which it is accepted."""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.buy.views import PlanChoice
from api.pages.frame.phrases import money
from api.pages.frame.prices import per_of, term_key
from api.pages.frame.site import PageRequest
from api.pages.frame.typed_numbers import find_whole
from marketplace.pricing.engine import price_term
from marketplace.pricing.shapes import MAX_SEATS, nearest_sold
from marketplace.pricing.words import price_in_words
from orders.offers.queries import OfferLineView, OfferView


def taken_of(offer: OfferView, wanted: Mapping[str, str]) -> tuple[tuple[int, int], ...]:
    """How many seats of which line are taken, as typed. Never fewer than were offered; what is no number is the least."""
    if not offer.takes_more:
        return ()
    seats = [line for line in offer.lines if line.sold_by_seat]
    typed = {line.number: find_whole(wanted.get(f"quantity_{line.number}", "")) or 0 for line in seats}
    least = {line.number: min(max(typed[line.number], line.quantity), MAX_SEATS) for line in seats}
    return tuple(
        (line.number, nearest_sold(line.own_price, least[line.number]) if line.own_price else least[line.number])
        for line in seats
    )


def offered_plan(
    page_request: PageRequest, offer: OfferLineView, taken: Mapping[int, int], *, among: int
) -> PlanChoice:
    """A line as the sheet shows it, at its own price. Among several it says what it is of."""
    title, name = page_request.pick(offer.title, offer.title_en), page_request.pick(offer.plan_name, offer.plan_name_en)
    quantity, own = taken.get(offer.number, offer.quantity), offer.own_price
    figure = offer.unit_price_minor if own is None else price_term(own, quantity).amount_minor
    return PlanChoice(
        id=str(offer.plan_id),
        name=f"{title} · {name}" if among > 1 else name,
        term=page_request.t(f"term.by_{term_key(offer.term_months)}", n=offer.term_months),
        price=money(figure, offer.currency),
        per=per_of(offer.price_unit if own is None else "first_term"),
        min_quantity=quantity,
        max_quantity=quantity,
        sold_by_seat=offer.sold_by_seat and own is None,
        sentences=tuple(price_in_words(own, page_request.language)) if own is not None else (),
    )
