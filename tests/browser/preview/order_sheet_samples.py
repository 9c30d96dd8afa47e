"""Order sheets: the list with its form, one with wrong lines, one that is priced, one that was ordered."""

from __future__ import annotations

from dataclasses import replace

from api.pages.order_sheets.views import (
    FaultItem,
    OrderSheetsView,
    OrderSheetView,
    SheetLineItem,
    SheetOrderItem,
    SheetRowItem,
)
from tests.browser.preview.buying_samples import NOW, cny
from tests.browser.preview.selling_samples import DeskSamples


def order_sheets(s: DeskSamples) -> OrderSheetsView:
    """A draft with wrong lines, one that was ordered, one that was discarded."""
    rows = (
        SheetRowItem("november-2026-branches-of-central-china.xlsx", "draft", 3_000, 7, NOW, "/1"),
        SheetRowItem(s.pick("十月补货", "October"), "ordered", 42, 0, NOW, "/2"),
        SheetRowItem("test.csv", "discarded", 1, 0, NOW, "/3"),
    )
    return OrderSheetsView(rows, offered=True, lines="desk/team\t20\t武汉\n")


def _line(s: DeskSamples, n: int, note: str, quantity: str = "20", *faults: FaultItem) -> SheetLineItem:
    return SheetLineItem(n, "hiring/pro", quantity, note, False, s.hiring, s.pick("一号直聘", "Yihao Hiring"), faults)


def wrong_lines(s: DeskSamples) -> OrderSheetView:
    """Two of the lines are to be corrected."""
    step = s.pick(
        "按贵组织的伙伴价，此规格从 25 起，以 5 递增订购。 请改为 30 / 35。",
        "At your partner price this plan is ordered from 25 on, in steps of 5. Ask for 30 / 35.",
    )
    unknown = s.pick(
        "没有编号为“hirng/pro”的在售规格可供贵组织订购。 请核对编号（可下载模板查看），或剔除这一行。",
        'Your organization can order nothing on sale by the code "hirng/pro". Check it, or leave the line out.',
    )
    of_code = replace(_line(s, 118, "", "40", FaultItem("code", unknown)), code="hirng/pro", what="", seller="")
    return OrderSheetView(
        "1",
        "november-2026-branches-of-central-china.xlsx",
        "draft",
        3_000,
        7,
        2,
        NOW,
        wrong_lines=(_line(s, 17, s.pick("武汉分公司", "Wuhan branch"), "33", FaultItem("quantity", step)), of_code),
        lines=(_line(s, 2, s.pick("西安分公司", "Xi'an branch")), replace(_line(s, 3, ""), left_out=True)),
    )


def priced(s: DeskSamples) -> OrderSheetView:
    """Every line is right, and its price is said."""
    buy = s.buy()
    return replace(
        wrong_lines(s),
        wrong=0,
        wrong_lines=(),
        quotes=(buy.quote,),
        billing_profiles=buy.billing_profiles,
        payment_methods=buy.payment_methods,
        departments=buy.departments,
    )


def ordered(s: DeskSamples) -> OrderSheetView:
    """Two sellers, two orders."""
    orders = (
        SheetOrderItem("20261122-8A41C0FFEE", s.pick("一号直聘", "Yihao Hiring"), "active", cny(1_393_000), "/1"),
        SheetOrderItem("20261122-8A41C0FFEF", s.pick("海港科技", "Harbor Technology"), "fulfilling", cny(90_000), "/2"),
    )
    return replace(wrong_lines(s), state="ordered", wrong=0, wrong_lines=(), orders=orders)
