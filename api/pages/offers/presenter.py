"""Offers as pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.pages.frame import addresses
from api.pages.frame.phrases import explained, failure, money, priced
from api.pages.frame.prices import amount_as_typed
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from api.pages.frame.typed_numbers import whole_number
from api.pages.offers.views import (
    CounterItem,
    CounterLineTyped,
    OfferApprovalItem,
    OfferForms,
    OfferItem,
    OfferLineItem,
    OfferPage,
    SellerOfferPage,
)
from kernel.errors import DomainError, Invalid
from kernel.money import PPM
from marketplace.pricing.shapes import MAX_SEATS
from marketplace.pricing.words import price_in_words
from orders.checkout.approval_reasons import BUY
from orders.offers.decide_offer import others_decide
from orders.offers.draw_offer import draw_offer
from orders.offers.floors import APPROVE
from orders.offers.models import DECLINE_REASONS, OFFER, SHOWN_STATES
from orders.offers.queries import (
    ApprovalView,
    CounterLineView,
    CounterOfferView,
    OfferLineView,
    OfferView,
    get_offer,
    list_offers,
)
from orders.offers.tier_offer_queries import TierOfferView


def offer_page(page_request: PageRequest, offer_id: UUID, *, sells: bool) -> OfferPage:
    """One offer. Raises as `get_offer`."""
    with page_request.work() as uow:
        offer = get_offer(uow, offer_id, sells=sells)
        mine = _may_decide(page_request, offer) and offer.made_by == page_request.principal.person_id
        alone = mine and not others_decide(uow, offer.made_by)
    if offer.is_shown and not offer.is_drawn:
        page_request.transact(lambda uow: draw_offer(uow, offer_id))
    back = addresses.SELLER_OFFERS if sells else addresses.OFFERS
    if offer.lead_id is not None:
        back = addresses.seller_lead(str(offer.lead_id)) if sells else addresses.request(str(offer.lead_id))
    item = offer_item(page_request, offer, sells=sells)
    if item.approval is not None and mine:
        act = addresses.seller_offer(str(offer_id), "/decision") if alone else ""
        item = replace(item, approval=replace(item.approval, act=act, is_own=not alone))
    return (SellerOfferPage if sells else OfferPage)(back, offer.lead_id is not None, item)


def find_wrong_quantity(page_request: PageRequest, offer: OfferView, typed: Mapping[str, str]) -> OfferPage | None:
    """The page of an offer that leaves open how many are taken, where one of its quantities, as typed by the fields' names, is
    none that it may be: said at its field, with all that was typed. None where they are right.
    """
    lines = [one for one in offer.lines if one.sold_by_seat] if offer.takes_more else []
    for line in lines:
        written = typed.get(f"quantity_{line.number}", "")
        try:
            if written:
                whole_number(written, field=f"take_{line.number}", least=line.quantity, most=MAX_SEATS)
        except Invalid as refused:
            view = replace(offer_page(page_request, offer.id, sells=False), **refusal(page_request, refused))
            taken = tuple((*one[:3], typed.get(f"quantity_{one[0]}") or one[3]) for one in view.item.taken)
            return replace(view, item=replace(view.item, taken=taken))
    return None


def offer_list(
    page_request: PageRequest, path: str, *, sells: bool
) -> tuple[str, tuple[str, ...], str, tuple[OfferItem, ...], str | None]:
    """What a list of offers shows. Raises as `list_offers`."""
    asked = page_request.query("state", most=20)
    states = tuple(OFFER.edges) if sells else SHOWN_STATES
    state = asked if asked in states else ""
    with page_request.work() as uow:
        cursor = page_request.query("cursor", most=200) or None
        found = list_offers(uow, sells=sells, cursor=cursor, state=state or None)
    rows = tuple(offer_item(page_request, one, sells=sells) for one in found.items)
    return path, states, state, rows, addresses.next_page(path, found.next_cursor, state=state)


def offer_item(page_request: PageRequest, offer: OfferView, *, sells: bool) -> OfferItem:
    """An offer with what was said to it, and what may be done with it."""
    lines = tuple(line_item(page_request, one) for one in offer.lines)
    order = addresses.with_query(addresses.SELLER_ORDERS, q=offer.order_number) if sells else ""
    offer_id = str(offer.id)
    act = ""
    if sells and offer.state in {"open", "awaiting_approval"}:
        act = addresses.seller_offer(offer_id, "/withdraw")
    elif offer.is_open and not sells:
        act = addresses.offer(offer_id, "/buy")
    return OfferItem(
        address=addresses.seller_offer(offer_id) if sells else addresses.offer(offer_id),
        what=" + ".join(one.what for one in lines),
        other=offer.buyer_name if sells else offer.seller_name,
        lines=lines,
        total=money(offer.total_minor, offer.currency),
        state="expired" if offer.is_expired else offer.state,
        until=offer.valid_until - timedelta(seconds=1),
        at=offer.created_at,
        act=act,
        pdf=addresses.offer_pdf(offer_id, page_request.language, sells=sells) if offer.is_drawn else "",
        terms=offer.terms,
        takes_more=offer.takes_more,
        contract=contract_in_words(page_request, offer),
        taken=tuple(
            (one.number, _name(page_request, one), one.quantity, str(one.quantity))
            for one in offer.lines
            if one.sold_by_seat
        )
        if offer.takes_more and offer.is_open and not sells
        else (),
        replaces=offer.supersedes_id is not None,
        counters=tuple(_counter(page_request, offer, one) for one in offer.counter_offers),
        forms=_forms(page_request, offer) if offer.is_open and not sells and page_request.principal.may(BUY) else None,
        decline_reason=offer.decline_reason or "",
        decline_text=offer.decline_text,
        is_shown=offer.is_shown,
        approval=_approval(page_request, offer, offer.approval) if offer.approval is not None else None,
        order=(order or addresses.order(str(offer.order_id))) if offer.order_id else "",
    )


def approval_item(
    page_request: PageRequest, offer: OfferView | TierOfferView, approval: ApprovalView
) -> OfferApprovalItem:
    """Why its own side is asked, or was. Where the reader decides on it is the page's to say."""
    rate = page_request.formats.rate
    said = []
    for line in offer.lines:
        if (floor_ppm := approval.floors.get(line.number)) is not None:
            name = _name(page_request, line)
            least_ppm = approval.shares.get(line.number)
            if least_ppm is None:
                least_ppm = line.unit_price_minor * PPM // line.list_price_minor
            off_ppm = PPM - least_ppm
            said.append(page_request.t("offers.below", name=name, off=rate(off_ppm), most=rate(PPM - floor_ppm)))
    return OfferApprovalItem(tuple(said), approval.decision or "", approval.text)


def _approval(page_request: PageRequest, offer: OfferView, approval: ApprovalView) -> OfferApprovalItem:
    decides = _may_decide(page_request, offer) and offer.made_by != page_request.principal.person_id
    act = addresses.seller_offer(str(offer.id), "/decision") if decides else ""
    return replace(approval_item(page_request, offer, approval), act=act)


def _may_decide(page_request: PageRequest, offer: OfferView) -> bool:
    return offer.state == "awaiting_approval" and page_request.principal.may(APPROVE)


def refusal(page_request: PageRequest, refused: DomainError) -> dict[str, Any]:
    """A mistake in a field is said there, anything else above the form."""
    said = failure(page_request, refused)
    if isinstance(refused, Invalid) and refused.field:
        return {"error_field": refused.field, "field_error": said}
    return {"error": said}


def contract_in_words(page_request: PageRequest, offer: OfferView | TierOfferView) -> str:
    """When what recurs ends for good, where the offer says so."""
    if offer.contract_ends_at is not None:
        day = page_request.formats.day(offer.contract_ends_at - timedelta(seconds=1))
        return page_request.t("offers.contract_until", day=day)
    words = translations(page_request.language)
    return words.count("plan.contract_terms", offer.contract_terms) if offer.contract_terms else ""


def line_item(page_request: PageRequest, line: OfferLineView) -> OfferLineItem:
    """A plan in an offer as pages say it."""
    own = line.own_price
    unit = "first_term" if own is not None else line.price_unit
    return OfferLineItem(
        what=_name(page_request, line),
        quantity=line.quantity if line.sold_by_seat else 0,
        price=priced(page_request, line.unit_price_minor, line.currency, unit),
        list_price=priced(page_request, line.list_price_minor, line.currency, unit)
        if line.list_price_minor != line.unit_price_minor
        else "",
        total=money(line.total_minor, line.currency),
        tax_included=line.tax_included,
        untaxed_price=line.untaxed_price,
        sentences=tuple(price_in_words(own, page_request.language)) if own is not None else (),
        parts=explained(page_request, line.price_lines, line.interval, line.currency),
        instalments=line.instalments,
    )


def _name(page_request: PageRequest, line: OfferLineView) -> str:
    title, name = page_request.pick(line.title, line.title_en), page_request.pick(line.plan_name, line.plan_name_en)
    return f"{title} · {name}"


def _counter(page_request: PageRequest, offer: OfferView, counter: CounterOfferView) -> CounterItem:
    said = []
    for line, wanted in zip(offer.lines, counter.lines, strict=True):
        unit = "first_term" if line.own_price is not None else line.price_unit
        price = priced(page_request, wanted.unit_price_minor, wanted.currency, unit)
        count = f"{page_request.formats.number(wanted.quantity)} × " if line.sold_by_seat else ""
        name = f"{_name(page_request, line)}: " if len(offer.lines) > 1 else ""
        said.append(f"{name}{count}{price}")
    return CounterItem(tuple(said), money(counter.total_minor, counter.currency), counter.text, counter.created_at)


def _forms(page_request: PageRequest, offer: OfferView) -> OfferForms:
    """With the figures of the offer, or those that were proposed last."""
    last: Sequence[OfferLineView | CounterLineView] = (
        offer.counter_offers[-1].lines if offer.counter_offers else offer.lines
    )
    return OfferForms(
        decline=addresses.offer(str(offer.id), "/decline"),
        counter=addresses.offer(str(offer.id), "/counter"),
        reasons=DECLINE_REASONS,
        lines=tuple(
            CounterLineTyped(
                line.number,
                _name(page_request, line),
                amount_as_typed(wanted.unit_price_minor, wanted.currency),
                str(wanted.quantity) if line.sold_by_seat else None,
                whole=line.own_price is not None,
            )
            for line, wanted in zip(offer.lines, last, strict=True)
        ),
    )
