"""Sample views of offers outside their requests: lists, a private one for each side, and the form of one."""

from __future__ import annotations

from dataclasses import replace

from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.listings.price_editor import price_rows
from api.pages.listings.price_form import price_values
from api.pages.listings.views import SectionForm
from api.pages.offers.form import MORE_LINES
from api.pages.offers.tier_views import TierOfferPage, TierOfferRow, TierOffersView
from api.pages.offers.views import (
    FloorItem,
    NewOfferView,
    OfferApprovalItem,
    OfferFloorsView,
    OfferItem,
    OfferLineTyped,
    OfferPage,
    OffersView,
    OfferTyped,
    OwnPriceForm,
    SellerOfferPage,
    SellerOffersView,
)
from marketplace.pricing.engine import price_term
from marketplace.pricing.words import line_in_words, price_in_words
from orders.offers.models import OFFER, SHOWN_STATES
from tests.browser.preview import listing_samples
from tests.browser.preview.buying_samples import ID, Samples, cny
from tests.browser.preview.lead_samples import offers
from tests.browser.preview.listing_samples import COMPOSED


def private(s: Samples, *, sells: bool) -> OfferItem:
    """One with terms of its own, of which more seats may be taken."""
    one, *_ = offers(s, sells=sells)
    terms = s.pick(
        "含一次上门培训。\n三年内续费价格不变。",
        "A day of training on site.\nRenewals keep this price.",
    )
    taken = ((1, one.lines[0].what, 20, "20"),)
    return replace(one, replaces=False, terms=terms, takes_more=True, taken=() if sells else taken)


def composed(s: Samples, *, sells: bool) -> OfferItem:
    """One of own figures for a price of several parts, with a contract."""
    one = private(s, sells=sells)
    language = s.language
    whole = price_term(COMPOSED, 60)
    line = replace(
        one.lines[0],
        quantity=60,
        price=s.pick("¥143,780 / 首期", "¥143,780 / first term"),
        list_price=s.pick("¥169,000 / 首期", "¥169,000 / first term"),
        total=cny(whole.amount_minor),
        sentences=tuple(price_in_words(COMPOSED, language)),
        parts=tuple(line_in_words(part, COMPOSED.interval, "CNY", language) for part in whole.lines),
    )
    contract = s.pick("共 3 期，到期终止", "ends after 3 terms")
    taken = ((1, line.what, 60, "60"),)
    return replace(one, lines=(line,), total=cny(whole.amount_minor), contract=contract, taken=() if sells else taken)


def editor(s: Samples) -> OfferTyped:
    """The form with the price editor of its first line open, and a figure that is none."""
    values = price_values(COMPOSED) | {"price_flat": "x"}
    form = SectionForm(
        "own", values, wrong={"price_flat": s.pick("金额不正确。", "That is no amount.")}, prefix="own_1-"
    )
    choices = listing_samples.options(s)
    own = OwnPriceForm(form, price_rows(form), choices.intervals, choices.modes)
    found = typed(s)
    return replace(found, first=replace(found.first, unit_price="", own=own), contract_terms="3")


def waiting(s: Samples, *, own: bool = False, decided: str = "") -> OfferItem:
    """One below the floor: to be decided by its reader, or by a colleague; or decided."""
    one, *_ = offers(s, sells=True)
    said = s.pick(
        f"{one.lines[0].what}：让价 15%，超过无需审批的 10%。",
        f"{one.lines[0].what}: 15% off; up to 10% needs no approval.",
    )
    why = s.pick("这个价格低于成本。", "That is below what it costs us.") if decided else ""
    act = "" if own or decided else addresses.seller_offer(ID.format(71), "/decision")
    asked = OfferApprovalItem((said,), decided, why, act, is_own=own)
    return replace(
        one,
        state=decided or "awaiting_approval",
        pdf="",
        is_shown=False,
        approval=asked,
        act="" if decided else one.act,
    )


def typed(s: Samples) -> OfferTyped:
    """The form, filled in."""
    more = tuple(map(OfferLineTyped, MORE_LINES))
    first = OfferLineTyped("", "p", "20", "169.15")
    return OfferTyped(first, more, "2026-12-31", takes_more=True, organization=s.buyer)


def pages(s: Samples) -> dict[str, OffersView | OfferPage]:
    """The buyer's pages by name."""
    path, states = addresses.OFFERS, SHOWN_STATES
    return {
        "offers": OffersView(path, states, "", (private(s, sells=False), *offers(s, sells=False))),
        "offers-none": OffersView(path, states, "open", ()),
        "offer-private": OfferPage(path, False, private(s, sells=False)),
        "offer-composed": OfferPage(path, False, composed(s, sells=False)),
    }


def sellers_pages(s: Samples) -> dict[str, OffersView | OfferPage | NewOfferView | OfferFloorsView]:
    """The seller's pages by name."""
    path, states = addresses.SELLER_OFFERS, tuple(OFFER.edges)
    plans = (Choice("p", s.pick("专业版 · ¥199 / 席 / 年", "Pro · ¥199 / seat / year")),)
    again = addresses.seller_offer(ID.format(71), "/replacement")
    said = s.pick("没有找到这个机构。请核对法定名称或税号。", "No such organization was found. Check the legal name.")
    everything = s.pick("所有未单独设置的产品", "All products without a floor of their own")
    floors = (FloorItem("", everything, "90%"), FloorItem("p", s.hiring, "85%"))
    products = (Choice("", everything), Choice("p", s.hiring))
    wrong = s.pick(
        "折扣底线不正确。请填写目录价的 0.0001 % 至 100 %。", "That is no discount floor. Give 0.0001 % to 100 %."
    )
    rows = (waiting(s), private(s, sells=True), *offers(s, sells=True))
    return {
        "seller-offers": SellerOffersView(path, states, "", rows, floors=addresses.SELLER_OFFER_FLOORS),
        "seller-offer-waiting": SellerOfferPage(path, False, waiting(s)),
        "seller-offer-own": SellerOfferPage(path, False, waiting(s, own=True)),
        "seller-offer-rejected": SellerOfferPage(path, False, waiting(s, decided="rejected")),
        "seller-offer-floors": OfferFloorsView(floors, products),
        "seller-offer-floors-refused": OfferFloorsView((), products, floor="x", error_field="floor", field_error=wrong),
        "seller-offers-none": SellerOffersView(path, states, "", ()),
        "seller-offer": SellerOfferPage(
            path, False, private(s, sells=True), plans=plans, offered=typed(s), again=again
        ),
        "seller-offer-new": NewOfferView(plans, typed(s), error_field="organization", field_error=said),
        "seller-offer-editor": NewOfferView(plans, editor(s)),
        "seller-offer-no-plans": NewOfferView((), OfferTyped()),
    }


def _to_tier(s: Samples) -> OfferItem:
    """One to all partners in a tier."""
    one = private(s, sells=True)
    return replace(one, other=s.pick("金牌伙伴", "Gold partners"), pdf="", is_shown=False, order="")


def tier_pages(s: Samples) -> dict[str, TierOffersView | TierOfferPage | NewOfferView]:
    """A seller's offers to tiers by name."""
    one = _to_tier(s)
    waits = replace(waiting(s), other=one.other)
    new = addresses.SELLER_OFFER_NEW
    rows = tuple(
        TierOfferRow("/1", each.what, each.other, each.total, each.state, sent, accepted, each.until, each.at)
        for each, sent, accepted in ((waits, 0, 0), (one, 12, 4))
    )
    theirs = (
        replace(private(s, sells=True), other=s.pick("中山精密", "Zhongshan Precision"), state="accepted"),
        private(s, sells=True),
        replace(private(s, sells=True), other=s.pick("松湖物流", "Songhu Logistics"), state="withdrawn"),
    )
    plans = (Choice("p", s.pick("专业版 · ¥199 / 席 / 年", "Pro · ¥199 / seat / year")),)
    tiers = (Choice("", s.pick("不选等级", "No tier")), Choice("t", s.pick("金牌伙伴", "Gold partners")))
    offered = replace(typed(s), organization="", tier_id="t")
    return {
        "seller-tier-offers": TierOffersView(rows, new),
        "seller-tier-offers-none": TierOffersView((), new),
        "seller-tier-offer": TierOfferPage(one, 3, 1, theirs),
        "seller-tier-offer-waiting": TierOfferPage(waits, 0, 0, ()),
        "seller-offer-new-tier": NewOfferView(plans, offered, tiers),
    }
