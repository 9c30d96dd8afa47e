"""Sample views of the papers of a sale besides its first invoice: a title that is corrected, receipts, pro-forma invoices."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from api.pages.buyer_statements.views import (
    BuyerStatementItem,
    BuyerStatementsView,
    BuyerStatementView,
    StatementCheckView,
    StatementFact,
    StatementSums,
)
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.frame.timeline import Link, Timeline, TimelineFact
from api.pages.invoice_correction.views import InvoiceCorrectionView, TypedTitle
from api.pages.orders.views import OrderPageView
from api.pages.sale_papers.views import PaperLink, SalePaperView
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny


def _statements(s: Samples) -> dict[str, View]:
    month = date(2026, 11, 1)
    sums = StatementSums(cny(796_000), cny(398_000), cny(98_000), cny(300_000), cny(398_000))
    row = BuyerStatementItem(ID.format(85), "BS-202611-06F87D6F12", month, (sums,))
    facts = (
        StatementFact("20261102-7D6F12AA01", s.seller, NOW, cny(398_000)),
        StatementFact("20261109-7D6F12AA02", s.seller, NOW, cny(398_000)),
    )
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    listed = BuyerStatementsView((row,), (date(2026, 12, 1),), may_close=True)
    check = StatementCheckView(row.number, s.buyer, month, (sums,), digest, digest, genuine=True)
    return {
        "buyer-statements": listed,
        "buyer-statements-none": replace(listed, rows=()),
        "buyer-statement": BuyerStatementView(
            row.id,
            row.number,
            month,
            (("orders", facts, 0, cny(796_000)), ("open", facts[1:], 12, cny(398_000))),
            digest,
            "0" * 64,
            digest,
            "A1b2C3",
        ),
        "statement-check": check,
        "statement-check-changed": replace(check, genuine=False),
        "statement-check-unknown": StatementCheckView(),
    }


def _owed(s: Samples) -> OrderPageView:
    """An order on account: the request for its payment, a reminder, a letter, and the pro-forma invoice drawn before."""
    p, order = s.pick, s.order()
    amount = p("¥3,980.00", "CN¥3,980.00")
    owed = (TimelineFact("owed", amount), TimelineFact("addressee", s.buyer))
    asked = (TimelineFact("amount", amount), TimelineFact("reference", "", "K7QD2M"), *owed[1:])
    letter = (*owed, TimelineFact("days_overdue", "7"))
    papers = (
        Link("payment_request", "waiting", NOW, p("等待对公转账", "waits for the transfer"), "", "#", asked),
        Link("dunning_notice", "done", NOW, p("到期前提醒", "before the due day"), "", None, owed),
        Link("dunning_notice", "done", NOW, p("逾期催款函", "letter after the due day"), "", "#", letter),
        Link(
            "sale_paper",
            "done",
            NOW,
            f"{p('形式发票', 'Pro-forma invoice')} · PF-20261120-87D6F12AA0",
            "",
            "#",
            owed[1:],
        ),
        Link("sale_paper", "live", NOW, p("收据 · 正在生成", "Receipt · being drawn"), "", None, owed[1:]),
    )
    links = order.timeline.links
    place = next(place for place, link in enumerate(links) if link.kind == "payment") + 1
    return replace(order, timeline=Timeline((*links[:place], *papers, *links[place:])))


def buyers_pages(s: Samples) -> dict[str, View]:
    """The buyer's pages by name."""
    form = InvoiceCorrectionView(
        invoice_id=ID.format(80),
        number="INV-2026-000041",
        seller_name=s.seller,
        buyer_name=s.buyer,
        buyer_tax_id="91310115MA1K3YJ12D",
        left=cny(398_000),
        profiles=(
            Choice(ID.format(81), f"{s.buyer} 91310115MA1K3YJ12D"),
            Choice(
                ID.format(82),
                s.pick("云帆（上海）科技有限公司 91310000MA1FL4C55N", "Yunfan Shanghai 91310000MA1FL4C55N"),
            ),
        ),
        typed=TypedTitle(
            "", s.buyer, "91310115MA1K3YJ12D", s.pick("上海市浦东新区张江路 88 号", "88 Zhangjiang Road, Shanghai")
        ),
    )
    said = s.pick(
        "更正后的抬头与发票上的完全相同。没有开具任何单据，原发票仍然有效。请选择其他抬头，或修改名称、税号或地址。",
        "The title is the same as on the invoice. Nothing was issued; the invoice stands. Choose another title, or change name, "
        "tax identifier or address.",
    )
    wrong = s.pick("统一社会信用代码的校验位不符。", "The check digit of the social credit code is wrong.")
    receipt = SalePaperView(
        "receipt",
        cny(398_000),
        addresses.order(ID.format(83)),
        (
            PaperLink("zh-CN", addresses.payments.paper_pdf("receipt", ID.format(84), "zh-CN"), "ready"),
            PaperLink("en", addresses.payments.paper("receipt", ID.format(84), "en"), "ask"),
            PaperLink("bilingual", addresses.payments.paper("receipt", ID.format(84), "bilingual"), "drawing"),
        ),
    )
    unpaid = s.pick(
        "这笔款项尚未到账或已退回，无法出具收据。付款与订单不受影响。请在款项到账后再下载收据。",
        "This payment has not been received, or was taken back, so there is no receipt. Payment and order are not affected. "
        "Download the receipt once the money is here.",
    )
    return {
        **_statements(s),
        "order-papers": _owed(s),
        "receipt": receipt,
        "receipt-none": replace(receipt, links=(), error=unpaid),
        "pro-forma": replace(receipt, kind="pro_forma"),
        "invoice-correction": form,
        "invoice-correction-refused": replace(form, has_fapiao=True, error=said),
        "invoice-correction-field": replace(form, error_field="tax_id", field_error=wrong),
    }
