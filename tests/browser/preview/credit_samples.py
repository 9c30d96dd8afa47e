"""Sample views of credit with sellers: lists and a balance as each of its sides sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.frame import addresses
from api.pages.frame.rendering import View
from api.pages.store_credits.handlers import PAGES
from api.pages.store_credits.views import (
    CreditMovementItem,
    SellerStoreCreditsView,
    StoreCreditItem,
    StoreCreditPage,
    StoreCreditsView,
)
from orders.store_credit.queries import CreditSide
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny
from tests.browser.preview.selling_samples import DeskSamples


def items(s: Samples, side: CreditSide) -> tuple[StoreCreditItem, ...]:
    """One that a payment is about to use, and one that was used up."""
    other = s.seller if side == "buyer" else s.buyer
    where = addresses.store_credits.credit(side, ID.format(70))
    return (
        StoreCreditItem(where, other, cny(120_000), cny(20_000), NOW - timedelta(days=3)),
        StoreCreditItem(
            where, s.pick("上海映川软件有限公司", "Yingchuan Software"), cny(0), cny(0), NOW - timedelta(days=90)
        ),
    )


def credit(s: Samples, side: CreditSide) -> StoreCreditPage:
    """One with every kind of movement."""
    order = addresses.order(ID.format(1))
    return PAGES[side](
        ID.format(70),
        s.buyer,
        s.seller,
        cny(120_000),
        cny(120_000),
        (
            CreditMovementItem("paid_back", cny(-80_000), NOW, "", None),
            CreditMovementItem("used", cny(-198_000), NOW - timedelta(days=1), "CM-7K2M9R", order),
            CreditMovementItem("given", cny(398_000), NOW - timedelta(days=3), "CM-7K2M9Q", order),
        ),
        may_be_paid_back=side == "buyer",
    )


def buyers_pages(s: DeskSamples) -> dict[str, View]:
    """The buyer's pages by name."""
    said = s.pick(
        "您与此卖方仍有进行中的订阅，抵用金会用于其后续款项。没有数据被改动，余额不变。订阅全部结束后再申请退还。",
        "Something of this seller's goes on, and the credit pays its next charges. Nothing was changed. Ask again at the end.",
    )
    return {
        "store-credits": StoreCreditsView(items(s, "buyer")),
        "store-credits-none": StoreCreditsView(()),
        "store-credit": credit(s, "buyer"),
        "store-credit-refused": replace(credit(s, "buyer"), may_be_paid_back=False, error=said),
    }


def sellers_pages(s: DeskSamples) -> dict[str, View]:
    """The seller's pages by name."""
    return {
        "seller-store-credits": SellerStoreCreditsView(items(s, "seller")),
        "seller-store-credits-none": SellerStoreCreditsView(()),
        "seller-store-credit": credit(s, "seller"),
    }
