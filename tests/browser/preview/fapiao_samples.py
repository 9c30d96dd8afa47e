"""Sample views of tax invoices (数电票): as buyer and seller see them, and the form that asks for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.fapiao.views import (
    BillItem,
    FapiaoItem,
    FapiaoPage,
    FapiaoRequestItem,
    HeldRefundItem,
    NewFapiaoView,
    OperatorHeldView,
    RedLetterItem,
    SellerFapiaoPage,
)
from api.pages.frame import addresses
from api.pages.frame.rendering import View
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny
from tests.browser.preview.selling_samples import DeskSamples

BLUE, RED, FORM = "26339012345678901234", "26339098765432109876", "26339055555555555555"


def letter(s: Samples, state: str, official: str, acts: tuple[str, ...]) -> RedLetterItem:
    waits = state.startswith("awaiting")
    return RedLetterItem(
        ID.format(80),
        state,
        official,
        s.seller,
        FORM,
        BLUE,
        "" if waits else RED,
        cny(-53_000),
        "",
        NOW + timedelta(hours=70) if waits else None,
        acts,
        addresses.trace(ID.format(81)),
    )


def requests(s: Samples) -> tuple[FapiaoRequestItem, ...]:
    """One issued and taken back in part, one refused."""
    issued = FapiaoRequestItem(
        ID.format(82),
        "issued",
        "special",
        s.seller,
        f"{s.buyer} 91310115MA1K3YJ12D",
        cny(398_000),
        "订单 CM-7K2M9Q、CM-7K2M9R",
        ("INV-2026-000041", "INV-2026-000042"),
        True,
        "",
        (
            FapiaoItem(ID.format(83), BLUE, False, NOW.date(), cny(398_000), True, False),
            FapiaoItem(ID.format(84), RED, True, NOW.date(), cny(-53_000), False, False),
        ),
        (
            ("requested", NOW - timedelta(minutes=9)),
            ("queued", NOW - timedelta(minutes=8)),
            ("issued", NOW - timedelta(minutes=8)),
        ),
        False,
    )
    refused = replace(
        issued,
        id=ID.format(85),
        state="failed",
        kind="ordinary",
        reason=s.pick("卖方的开具金额总额度已用完", "the seller's quota is used up"),
        documents=(FapiaoItem(ID.format(86), "", False, None, cny(398_000), False, False),),
        may_retry=True,
    )
    return (issued, refused)


def buyers_pages(s: DeskSamples) -> dict[str, View]:
    """The buyer's pages by name."""
    bill = BillItem(ID.format(87), "INV-2026-000041", s.seller, "CM-7K2M9Q", cny(398_000))
    said = s.pick(
        "所选单据中有已申请过数电票的。没有重复申请。请在数电票页面查看该申请。",
        "A chosen document stands in a request already. Nothing was asked for twice. See it on the page of tax invoices.",
    )
    return {
        "fapiao": FapiaoPage((letter(s, "awaiting_buyer", "02", ("confirm", "deny")),), requests(s)),
        "fapiao-held": FapiaoPage(
            (letter(s, "awaiting_buyer", "02", ("confirm", "deny")),), requests(s)[:1], held=held(s, withdrawn=True)
        ),
        "fapiao-none": FapiaoPage((), ()),
        "fapiao-new": NewFapiaoView((bill, replace(bill, number="INV-2026-000042")), f"{s.buyer} 91310115MA1K3YJ12D"),
        "fapiao-refused": NewFapiaoView((bill,), s.buyer, kind="special", error=said),
    }


def sellers_pages(s: DeskSamples) -> dict[str, View]:
    """The seller's page."""
    letters = (
        letter(s, "awaiting_buyer", "02", ("withdraw",)),
        letter(s, "expired", "07", ("again",)),
        letter(s, "confirmed", "04", ("revoke",)),
    )
    return {
        "seller-fapiao": SellerFapiaoPage(letters, requests(s)[:1], held=held(s)[1:]),
        "seller-fapiao-none": SellerFapiaoPage((), ()),
    }


def operators_pages(s: DeskSamples) -> dict[str, View]:
    """Everybody's refunds that wait."""
    return {
        "held-refunds": OperatorHeldView(held(s), may_release=True),
        "held-refunds-none": OperatorHeldView((), may_release=True),
    }


def held(s: Samples, *, withdrawn: bool = False) -> tuple[HeldRefundItem, ...]:
    """One that waits for its buyer, one that is promised, one whose letter is void, one that is being issued."""
    waits = HeldRefundItem(
        ID.format(88),
        cny(53_000),
        s.pick("三个席位用不上", "three seats are not needed"),
        NOW - timedelta(hours=2),
        "buyer",
        NOW + timedelta(hours=70),
        None,
        addresses.trace(ID.format(88)),
        withdrawn,
    )
    promised = replace(waits, id=ID.format(89), reason="", goes_at=NOW + timedelta(hours=70), may_be_withdrawn=False)
    return (
        waits,
        promised,
        replace(waits, id=ID.format(90), waits_for="both", until=None),
        replace(waits, id=ID.format(91), waits_for="issuer", until=None, may_be_withdrawn=False),
    )
