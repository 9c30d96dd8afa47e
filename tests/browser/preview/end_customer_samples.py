"""Dealers and their end customers: rows in every state, a refused form, and the link as whoever has it sees it."""

from __future__ import annotations

from dataclasses import replace

from api.pages.end_customers.views import EndCustomerItem, EndCustomerLinkView, EndCustomersView, TypedEndCustomer
from api.pages.orders.views import OrderPageView
from tests.browser.preview.buying_samples import NOW
from tests.browser.preview.selling_samples import DeskSamples


def end_customers(s: DeskSamples) -> EndCustomersView:
    """A link waits, one confirmed, one dealer asks the reader, one is over."""

    def item(n: int, zh: str, en: str, state: str, *, is_dealer: bool = True, end_act: str = "end") -> EndCustomerItem:
        return EndCustomerItem(
            f"e{n}",
            s.pick(zh, en),
            state,
            is_dealer,
            NOW,
            end="" if state == "ended" else "/e",
            end_act=end_act,
        )

    linked = item(1, "蓝海贸易", "Blue Ocean Trading", "asked", end_act="withdraw")
    asked = item(3, "云岭软件经销", "Yunling Software Dealers", "asked", is_dealer=False, end_act="decline")
    return EndCustomersView(
        rows=(
            replace(
                linked,
                tax_id="91310000MA1FL0000X",
                link="https://market.example/end-customer-links/kS2x9QmT4bV7wZ1pLr8yAg",
                link_until=NOW,
            ),
            item(2, "松湖物流", "Songhu Logistics", "active"),
            replace(asked, confirm="/c"),
            item(4, "远山制造（成都）", "Yuanshan Chengdu", "ended"),
        ),
        address="/end-customers",
        entitlements="/entitlements",
    )


def refused(s: DeskSamples) -> EndCustomersView:
    """None yet, and one that is asked already."""
    said = s.pick(
        "双方之间已有等待确认或生效的关系。没有数据被改动。请在终端客户列表中查看。",
        "The two of you have such a relation already, or one that waits for an answer. Nothing was changed. See the list of "
        "end customers.",
    )
    typed = TypedEndCustomer(s.pick("松湖物流", "Songhu Logistics"), "91310000MA1FL0001X")
    return replace(end_customers(s), rows=(), typed=typed, error_field="tax_id", field_error=said)


def link(s: DeskSamples) -> EndCustomerLinkView:
    """Open, for somebody who may confirm."""
    return EndCustomerLinkView(
        address="/end-customer-links/x",
        dealer=s.pick("云岭软件经销", "Yunling Software Dealers"),
        name=s.pick("蓝海贸易", "Blue Ocean Trading"),
        tax_id="91310000MA1FL0000X",
        state="open",
        expires_at=NOW,
        organization=s.pick("蓝海贸易", "Blue Ocean Trading"),
        may_confirm=True,
        signed_in=True,
    )


def order(s: DeskSamples) -> OrderPageView:
    """What a dealer ordered for an end customer at its tier's price, with what it earns of it at the plan's."""
    view = s.order()
    said = (
        s.pick("为 海宁纺织有限公司 订购，由其使用", "For Haining Textiles Ltd, which uses it"),
        s.pick(
            "按目录价转售，您的毛利为 ¥1,194.00，占目录价 30%",
            "Resold at the list price, you earn ¥1,194.00, 30% of it",
        ),
        s.pick("伙伴价（金牌），目录价 ¥3,980.00", "Partner price, tier Gold; list price ¥3,980.00"),
    )
    return replace(view, lines=(replace(view.lines[0], parts=said),))
