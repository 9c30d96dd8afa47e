"""Coupons: a seller's list, one with its uses; the sheet, an order and a product with something off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.buy.views import BuyView, QuotePanelLine
from api.pages.coupons.views import CouponDetailView, CouponItem, CouponsView, CouponTyped, CouponUseItem
from api.pages.frame.choices import COMMON_CURRENCIES, Choice
from api.pages.orders.views import OrderPageView
from api.pages.products.views import ProductView
from tests.browser.preview.buying_samples import NOW, cny
from tests.browser.preview.product_samples import product
from tests.browser.preview.selling_samples import DeskSamples

_UNTIL = NOW + timedelta(days=30)


def _items(s: DeskSamples) -> tuple[CouponItem, ...]:
    launch = CouponItem(
        name=s.pick("新品上市", "Launch"),
        code="LAUNCH-20",
        off="20%",
        uses=7,
        most_uses=50,
        most_per_org=1,
        named=0,
        with_offers=True,
        state="running",
        starts_at=NOW,
        until=_UNTIL,
        end="/seller/coupons/1/end",
        address="/seller/coupons/1",
        products=(f"{s.hiring} · {s.pick('专业版', 'Pro')}",),
    )
    autumn = replace(launch, name=s.pick("秋季促销", "Autumn"), code="", off=s.pick("¥500", "CN¥500"), products=())
    return (
        launch,
        replace(autumn, most_uses=None, most_per_org=None, uses=0, named=3, every_term=True, state="waits"),
        replace(autumn, state="over", end="", with_offers=False),
    )


def coupons(s: DeskSamples, *, wrong: bool = False) -> CouponsView:
    """Three of them, and the form; refused, it says why where it is wrong."""
    typed = CouponTyped(currency="CNY", starts_on="2026-11-22", ends_on="2026-12-22", code="A B" if wrong else "")
    said = s.pick("优惠码格式不正确。没有新建优惠。", "That is no code. No coupon was made.")
    return CouponsView(
        _items(s),
        (Choice("", s.pick("全部在售商品", "Everything on sale")), Choice("1", s.hiring)),
        typed,
        "k",
        error_field="code" if wrong else "",
        field_error=said if wrong else "",
        currencies=COMMON_CURRENCIES,
    )


def coupon(s: DeskSamples) -> CouponDetailView:
    """One with two uses."""
    use = CouponUseItem("20261122-0001", "/trace/1", s.buyer, "/seller/customers/1", "active", cny(79_600), NOW)
    return CouponDetailView(_items(s)[0], (use, replace(use, number="20261122-0002", state="completed")))


def sheet(s: DeskSamples, *, refused: bool = False) -> BuyView:
    """With a code that holds, or one that does not."""
    view = s.buy()
    if refused:
        why = s.pick(
            "优惠码“SUMMER”已经失效。没有下单，没有扣款。请清空后继续，或向卖方索取新的优惠码。",
            "The coupon SUMMER holds no more. Nothing was ordered or charged. Go on without it, or ask the seller for another.",
        )
        return replace(view, coupon="SUMMER", error=why, error_field="coupon")
    line = QuotePanelLine(
        view.quote.lines[0].text,
        cny(398_000),
        discount=cny(-79_600),
        discount_text=s.pick(
            "优惠 LAUNCH-20 · 仅限首期，续订按目录价",
            "Discount LAUNCH-20 · first term only; it renews at the list price",
        ),
        discount_until=s.pick("至 2026年12月22日", "until Dec 22, 2026"),
    )
    quote = replace(view.quote, lines=(line,), net=cny(300_377), tax=cny(18_023), gross=cny(318_400))
    return replace(view, quote=quote, coupon="LAUNCH-20")


def order(s: DeskSamples) -> OrderPageView:
    """What was bought with a code."""
    view = s.order()
    line = replace(
        view.lines[0],
        list_price=cny(398_000),
        discount=cny(-79_600),
        discount_text=s.pick("优惠 LAUNCH-20 · 续订同样优惠", "Discount LAUNCH-20 · renewals are reduced, too"),
    )
    return replace(view, lines=(line,))


def on_promotion(s: DeskSamples) -> ProductView:
    """A product with something off one of its plans."""
    view = product(s)
    said = s.pick(
        "秋季促销 · 优惠 20%，至 2026年12月22日 · 仅限首期，续订按目录价",
        "Autumn · 20% off until Dec 22, 2026 · first term only; it renews at the list price",
    )
    return replace(view, promotions={view.shown.plans[0].id: said})
