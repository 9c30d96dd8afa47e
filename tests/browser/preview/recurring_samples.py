"""Sample view models of what recurs: for whoever pays for it, sold it, runs the platform, and for finance."""

from dataclasses import replace
from datetime import date, timedelta

from api.pages.buy.views import QuotePanel, QuotePanelLine
from api.pages.frame.charts import BarChart
from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.sold_subscriptions.views import (
    AnySubscriptionPage,
    MovementRow,
    SoldItem,
    SoldSubscriptionPage,
    SoldSubscriptionsView,
    StuckItem,
    StuckView,
)
from api.pages.spending.views import ChargeItem, ChargeMonth, SpendingView, SpendItem
from api.pages.subscriptions.views import (
    ChangeForm,
    ChangePreview,
    LifeEntry,
    SubscriptionItem,
    SubscriptionPage,
    SubscriptionsView,
)
from orders.subscriptions.movement import MOVEMENTS
from orders.subscriptions.stuck import STUCK
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny

MONTHS = tuple(date(2026, month, 1) for month in range(4, 12))


def life(s: Samples) -> tuple[LifeEntry, ...]:
    """A renewal that was refused twice."""
    p, day = s.pick, timedelta(days=1)
    tried = LifeEntry(
        NOW - 2 * day,
        "card",
        "failed",
        p("付款", "Payment"),
        p("未成功 · 银行拒绝 · ¥3,980.00", "Failed · The bank refused · CN¥3,980.00"),
        address="/orders/x",
    )
    return (
        LifeEntry(NOW - 30 * day, "refresh", "done", p("第 1 期", "Term 1"), p("专业版 × 20", "Pro × 20"), False, "/"),
        LifeEntry(
            NOW - 20 * day, "plus", "done", p("期内变更", "Change within the term"), p("席位 20 → 25", "Seats 20 → 25")
        ),
        LifeEntry(NOW - 9 * day, "bell", "done", p("到期前 7 天通知", "Notice 7 days before the end")),
        tried,
        LifeEntry(NOW - day, "alert", "failed", p("未付款的一期开始", "A term that is not paid begins")),
        replace(tried, at=NOW - day),
        LifeEntry(
            NOW + day, "card", "todo", p("再次尝试付款（第 3 天）", "Payment is tried again, day 3"), is_due=True
        ),
        LifeEntry(NOW + 13 * day, "pause", "todo", p("已暂停", "Suspended"), is_due=True),
        LifeEntry(NOW + 43 * day, "close", "todo", p("因未付款而终止", "Ended for want of payment"), is_due=True),
    )


def buyers_pages(s: Samples) -> dict[str, View]:
    """The list, one with each kind of preview, one that is past due, and spending."""
    p = s.pick
    item = SubscriptionItem(
        ID.format(72),
        s.hiring,
        p("专业版", "Pro"),
        s.seller,
        "active",
        18,
        25,
        NOW + timedelta(days=11),
        p("2026年12月2日：约 ¥4,975.00，按规格今日价格", "Dec 2, 2026: about CN¥4,975.00, as its plan is priced today"),
    )
    form = ChangeForm(
        "now",
        "30",
        "",
        (Choice("p2", p("旗舰版", "Flagship"), p("¥299 / 席 / 年", "CN¥299 / seat / year")),),
        (Choice("b1", s.buyer, "91330106MA2CF9B3RJ"), Choice("b2", p("远山研究院", "Yuanshan Labs"), "")),
        "b1",
        (Choice("sandbox:sbx_ok", p("沙箱：付款成功", "Sandbox: succeeds")),),
        "sandbox:sbx_ok",
    )
    quote = QuotePanel(
        ID.format(73),
        (QuotePanelLine(p("新增席位 5，按本期剩余时间计", "5 seats added, for the rest of the term"), cny(36_483)),),
        cny(34_418),
        cny(2_065),
        (60_000,),
        cny(36_483),
        NOW + timedelta(minutes=30),
        (),
    )
    page = SubscriptionPage(
        item.id,
        "l1",
        item.listing_name,
        item.plan_name,
        item.seller_name,
        "active",
        18,
        25,
        item.ends_at,
        item.next,
        next_is_told=True,
        changes_to=p("专业版 × 15", "Pro × 15"),
        auto_renew=True,
        renewal_order_id=None,
        entitlement_id=ID.format(70),
        order_id=ID.format(40),
        may_change=True,
        may_pay=True,
        form=form,
        offered=ChangePreview(quote, ID.format(74)),
        life=life(s)[:3],
        departments=s.departments(),
        department_id="d0",
        department=s.departments()[0].label,
    )
    due = replace(
        page,
        state="past_due",
        may_change=False,
        offered=None,
        changes_to="",
        renewal_order_id=ID.format(41),
        life=life(s),
    )
    aligned = replace(
        page,
        changes_to="",
        form=replace(
            form,
            when="with",
            align_with="s2",
            others=(Choice("s2", s.hiring, p("2027年3月15日", "15 March 2027")),),
        ),
        offered=ChangePreview(
            replace(
                quote,
                lines=(
                    QuotePanelLine(
                        p(
                            "与另一项订阅同日到期，按增加的时间计",
                            "Ends with another subscription, for the time that is added",
                        ),
                        cny(36_483),
                    ),
                ),
            ),
            ID.format(74),
            aligned_to=item.ends_at + timedelta(days=40),
        ),
    )
    later = ChangePreview(next=p("专业版 × 15：约 ¥2,985.00", "Pro × 15: about CN¥2,985.00"))
    over = replace(
        item, id=ID.format(75), state="past_due", next=p("已开始的这一期尚未付款。", "The term is not paid.")
    )
    return {
        "subscriptions": SubscriptionsView((item, over), "/subscriptions?cursor=x"),
        "subscriptions-none": SubscriptionsView(()),
        "subscription": page,
        "subscription-next": replace(page, offered=later, auto_renew=False, changes_to=""),
        "subscription-aligned": aligned,
        "subscription-contract": replace(
            page,
            offered=None,
            changes_to="",
            contract_ends_at=item.ends_at,
            next=p(
                "合同于 2026年12月3日 终止：本期为最后一期，之后不再扣款。如需继续，请向卖方索取新报价或再次购买。",
                "The contract ends on Dec 3, 2026: this was its last term, and nothing is charged after it. Ask the seller "
                "for a new offer, or buy it again.",
            ),
            next_is_told=False,
        ),
        "subscription-past-due": due,
        "spending": spending(s),
    }


def spending(s: Samples) -> SpendingView:
    """Two months ahead, and what was paid."""
    p = s.pick
    charge = ChargeItem(
        NOW + timedelta(days=10),
        "/subscriptions/x",
        s.hiring,
        s.seller,
        cny(497_500),
        p("已通知，价格固定", "fixed, you were told"),
    )
    later = replace(charge, at=NOW + timedelta(days=41), note=p("按规格今日价格", "as the plan costs today"))
    return SpendingView(
        (
            ChargeMonth(date(2026, 12, 1), (cny(497_500),), (charge,)),
            ChargeMonth(date(2027, 1, 1), (cny(497_500),), (later,)),
        ),
        tuple(
            SpendItem(month, s.seller, s.departments()[0].label, p("林晓", "Lin Xiao"), 2, cny(398_000))
            for month in reversed(MONTHS)
        ),
        (
            BarChart(
                tuple(f"{month:%Y-%m}" for month in MONTHS),
                (
                    (s.seller, tuple(398_000 + 50_000 * n for n in range(len(MONTHS)))),
                    (p("其他", "Others"), tuple(90_000 for _ in MONTHS)),
                ),
                "CNY",
            ),
        ),
        s.departments(),
    )


def sellers_pages(s: Samples) -> dict[str, View]:
    """The list with what came and went, and one."""
    p = s.pick
    sold = SoldItem(
        ID.format(72),
        "/seller/customers/x",
        s.buyer,
        s.hiring,
        p("专业版", "Pro"),
        "past_due",
        18,
        25,
        NOW - timedelta(days=1),
        auto_renew=True,
        net=cny(398_000),
    )
    cells = ((3, cny(1_194_000)), (2, cny(796_000)), (1, cny(36_483)), (1, cny(99_500)), (0, None))
    chart = BarChart(
        tuple(f"{month:%Y-%m}" for month in MONTHS),
        tuple(
            (p(zh, en), tuple(sign * (200_000 + 30_000 * n) for n in range(len(MONTHS))))
            for zh, en, sign in (
                ("新增", "Began", 1),
                ("续订", "Renewed", 1),
                ("增购", "Grew", 1),
                ("缩减", "Shrank", -1),
                ("结束", "Ended", -1),
            )
        ),
        "CNY",
    )
    months = tuple(MovementRow(month, cells) for month in reversed(MONTHS))
    whole = SoldSubscriptionsView(0, (30, 60, 90), (sold,), MOVEMENTS, months, (chart,))
    return {
        "seller-subscriptions": whole,
        "seller-subscriptions-none": replace(whole, rows=(), months=(), charts=()),
        "seller-subscription": SoldSubscriptionPage(sold, s.seller, "/trace/x", life(s)),
    }


def operators_pages(s: Samples) -> dict[str, View]:
    """What is stuck, and one of it."""
    sold = sellers_pages(s)["seller-subscription"]
    assert isinstance(sold, SoldSubscriptionPage)
    rows = tuple(
        StuckItem("/operator/subscriptions/x", kind, s.hiring, s.buyer, s.seller, "", 86_400 * n)
        for n, kind in enumerate(reversed(STUCK), 1)
    )
    rows = (replace(rows[0], detail="suspend"), *rows[1:])
    return {
        "operator-subscriptions": StuckView(STUCK, "", tuple((kind, 1, 86_400) for kind in STUCK), rows),
        "operator-subscriptions-none": StuckView(STUCK, "", tuple((kind, 0, 0) for kind in STUCK), ()),
        "operator-subscription": AnySubscriptionPage(sold.one, sold.seller_name, sold.order, sold.life),
    }
