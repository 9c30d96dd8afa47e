"""Sample views of offers outside their requests: lists, a private one for each side, and the form of one."""

from __future__ import annotations

from dataclasses import replace

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.offers.form import MORE_LINES
from api.pages.offers.views import (
    NewOfferView,
    OfferItem,
    OfferLineTyped,
    OfferPage,
    OffersView,
    OfferTyped,
    SellerOfferPage,
    SellerOffersView,
)
from orders.offers.models import OFFER
from tests.browser.preview.buying_samples import ID, Samples
from tests.browser.preview.lead_samples import offers


def private(s: Samples, *, sells: bool) -> OfferItem:
    """One with terms of its own, of which more seats may be taken."""
    one, *_ = offers(s, sells=sells)
    terms = s.pick(
        "含一次上门培训。\n三年内续费价格不变。",
        "A day of training on site.\nRenewals keep this price.",
    )
    taken = ((1, one.lines[0].what, 20),)
    return replace(one, replaces=False, terms=terms, takes_more=True, taken=() if sells else taken)


def typed(s: Samples) -> OfferTyped:
    """The form, filled in."""
    more = tuple(map(OfferLineTyped, MORE_LINES))
    first = OfferLineTyped("", "p", "20", "169.15")
    return OfferTyped(first, more, "2026-12-31", takes_more=True, organization=s.buyer)


def pages(s: Samples) -> dict[str, OffersView | OfferPage]:
    """The buyer's pages by name."""
    path, states = addresses.OFFERS, tuple(OFFER.edges)
    return {
        "offers": OffersView(path, states, "", (private(s, sells=False), *offers(s, sells=False))),
        "offers-none": OffersView(path, states, "open", ()),
        "offer-private": OfferPage(path, False, private(s, sells=False)),
    }


def sellers_pages(s: Samples) -> dict[str, OffersView | OfferPage | NewOfferView]:
    """The seller's pages by name."""
    path, states = addresses.SELLER_OFFERS, tuple(OFFER.edges)
    plans = (Choice("p", s.pick("专业版 · ¥199 / 席 / 年", "Pro · ¥199 / seat / year")),)
    again = addresses.seller_offer(ID.format(71), "/replacement")
    said = s.pick("没有找到这个机构。请核对法定名称或税号。", "No such organization was found. Check the legal name.")
    return {
        "seller-offers": SellerOffersView(path, states, "", (private(s, sells=True), *offers(s, sells=True))),
        "seller-offers-none": SellerOffersView(path, states, "", ()),
        "seller-offer": SellerOfferPage(
            path, False, private(s, sells=True), plans=plans, offered=typed(s), again=again
        ),
        "seller-offer-new": NewOfferView(plans, typed(s), error_field="organization", field_error=said),
        "seller-offer-no-plans": NewOfferView((), OfferTyped()),
    }
