"""Who pays for whom: agreements in every state, and a form that was refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from api.pages.buy.views import BuyView
from api.pages.frame.choices import Choice
from api.pages.orders.views import OrderPageView
from api.pages.payers.views import (
    PayerAgreementItem,
    PayerChargeItem,
    PayerChargesView,
    PayerMonthItem,
    PayerOrderItem,
    PayersView,
    TypedPayer,
)
from tests.browser.preview.buying_samples import NOW, cny
from tests.browser.preview.selling_samples import DeskSamples


def payers(s: DeskSamples) -> PayersView:
    """One runs, one waits for the reader, one for the other side, one is over."""

    def item(n: int, zh: str, en: str, state: str, *, by_reader: bool, end_act: str) -> PayerAgreementItem:
        return PayerAgreementItem(
            f"p{n}",
            s.pick(zh, en),
            state,
            is_payer=True,
            by_reader=by_reader,
            invoice_to="payer",
            at=NOW,
            currency="CNY",
            end="" if state == "ended" else "/e",
            end_act=end_act,
        )

    running = item(1, "远山制造（武汉）", "Yuanshan Wuhan", "active", by_reader=True, end_act="end")
    waiting = item(2, "产品经理圈", "Circle of product managers", "proposed", by_reader=False, end_act="decline")
    asked = item(3, "远山制造（成都）", "Yuanshan Chengdu", "proposed", by_reader=True, end_act="withdraw")
    over = item(4, "松湖物流", "Songhu Logistics", "ended", by_reader=True, end_act="")
    return PayersView(
        rows=(
            replace(
                running,
                monthly_limit=cny(5_000_000),
                order_limit=cny(1_000_000),
                monthly_typed="50000.00",
                order_typed="10000.00",
                limits="/l",
                set_method="/m",
                method_said="Visa •••• 4242",
            ),
            replace(waiting, accept="/a", limits="/l", invoice_to="orderer"),
            replace(asked, limits="/l"),
            over,
        ),
        address="/payers",
        charges="/payers/charges",
        methods=(Choice("", s.pick("每笔先询问", "Ask us about each purchase")), Choice("x:1", "Visa •••• 4242")),
        currencies=(Choice("CNY", "CNY"), Choice("EUR", "EUR")),
        sides=(
            Choice("payer", s.pick("贵组织为对方付款", "My organization pays for it")),
            Choice("orderer", s.pick("对方为贵组织付款", "It pays for my organization")),
        ),
        titles=(
            Choice("payer", s.pick("付款方", "Bear the payer's title")),
            Choice("orderer", s.pick("下单方", "Bear the title of whoever orders")),
        ),
    )


def refused(s: DeskSamples) -> PayersView:
    """No agreement yet, and an organization that nobody knows."""
    said = s.pick(
        "没有找到组织“远山”。没有数据被改动。请核对对方的法定名称、税号或组织编号。",
        "No organization 远山 was found. Nothing was changed. Check the legal name, tax identifier or number.",
    )
    return replace(payers(s), rows=(), typed=TypedPayer("远山"), error_field="partners", field_error=said)


def charges(s: DeskSamples) -> PayerChargesView:
    """One waits, the payment of one failed, one is paid and partly refunded, one was declined; and two months."""
    wuhan, circle = s.pick("远山制造（武汉）", "Yuanshan Wuhan"), s.pick("产品经理圈", "Circle of product managers")

    def order(n: int) -> PayerOrderItem:
        seller = s.pick("北辰人力科技", "Beichen Hiring")
        return PayerOrderItem(f"20261122-A1B2C3D4E{n}", seller, s.hiring, "pending_payment", cny(398_000))

    def item(n: int, name: str, state: str) -> PayerChargeItem:
        return PayerChargeItem(f"c{n}", name, state, NOW, cny(398_000), None, (order(n),))

    reason = s.pick("今年预算已用完。", "This year's budget is used up.")
    return PayerChargesView(
        rows=(
            replace(item(1, wuhan, "asked"), approve="/a", decline="/d"),
            replace(item(2, circle, "approved"), failed=True, approve="/a"),
            replace(
                item(3, wuhan, "approved"),
                refunded=cny(98_000),
                documents=(("INV-2026-000118", "/d1"), ("CN-2026-000007", "")),
            ),
            replace(item(4, circle, "declined"), reason=reason),
        ),
        months=(
            PayerMonthItem(
                date(2026, 11, 1), wuhan, 2, cny(796_000), cny(98_000), cny(5_000_000), cny(4_302_000), "/z"
            ),
            PayerMonthItem(date(2026, 10, 1), circle, 1, cny(398_000), cny(0), None, None, "/z"),
        ),
        methods=(Choice("x:1", "Visa •••• 4242"), Choice("x:2", "Mastercard •••• 4444")),
        export="/v1/payer-months/export",
        back="/payers",
    )


def circle_buys(s: DeskSamples, *, paid_for: bool = False) -> BuyView:
    """The sheet of a circle, which has no invoice title: nobody pays for it yet, or a company does."""
    shown = replace(s.buy(alone=True), billing_profiles=(), billing_profile_id="", departments=(), circle="c1")
    if paid_for:
        way = s.pick("由远山制造付款 · 本月剩余 ¥43,020.00", "Yuanshan pays · ¥43,020.00 left this month")
        return replace(shown, payment_methods=(Choice("payer:p2", way),), payment_method_id="payer:p2")
    said = s.pick(
        "贵组织没有开票信息，不能自行付款下单。没有下单，没有扣款。请先在“付款约定”中请一家公司为贵组织付款，再选择由其付款。",
        "Your organization has no billing profile, so that it cannot be billed itself. Nothing was ordered or charged. "
        "Ask a company to pay for it under Who pays for whom, then choose that it pays.",
    )
    return replace(shown, error=said, payers_address="/payers")


def order(s: DeskSamples) -> OrderPageView:
    """Placed, and its payer is asked."""
    return replace(s.order(live=True), state="pending_payment", by_payer=True, may_call_off=True)
