"""Sample views of money that is asked back after the window: lists, the form, and a case as each of its sides sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.frame import addresses
from api.pages.frame.rendering import View
from api.pages.orders.views import OrderPageView
from api.pages.refund_cases.presenter import PAGES
from api.pages.refund_cases.views import (
    OperatorRefundCasesView,
    RefundAskView,
    RefundCaseItem,
    RefundCasePage,
    RefundCasesView,
    RefundEvidenceItem,
    SellerRefundCasesView,
    Side,
)
from api.pages.subscriptions.views import LifeEntry
from kernel.money import Money
from orders.refunds.models import REFUND_CASE
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny
from tests.browser.preview.selling_samples import DeskSamples

STATES = tuple(REFUND_CASE.edges)


def reason(s: Samples) -> str:
    """What a buyer says."""
    return s.pick(
        "视频 0:42 处说每席位可导出无限份简历，实际每月只有 200 份。我们九月买入后一直未能使用这一功能。",
        "At 0:42 the video says that each seat exports without a limit. It exports 200 a month, and has since September.",
    )


def answer(s: Samples) -> str:
    """What its seller says."""
    return s.pick("合同写明每月 200 份，续费前已告知。", "The terms say 200 a month; we told you before you renewed.")


def items(s: Samples, side: Side) -> tuple[RefundCaseItem, ...]:
    """One in every state."""
    return tuple(_item(s, side, number, state) for number, state in enumerate(STATES))


def _item(s: Samples, side: Side, number: int, state: str) -> RefundCaseItem:
    is_open = state in {"asked", "refused", "escalated"}
    return RefundCaseItem(
        addresses.refunds.case(side, ID.format(80 + number)),
        s.hiring,
        f"CM-7K2M9{number}",
        {"buyer": s.seller, "seller": s.buyer}.get(side, f"{s.buyer} · {s.seller}"),
        state,
        cny(398_000),
        cny(120_000) if state == "granted" else None,
        NOW + timedelta(days=4) if is_open else None,
        NOW - timedelta(days=number),
        {"asked": "seller", "refused": "buyer", "escalated": "operator"}.get(state) == side,
    )


def course(s: Samples, *steps: str) -> tuple[LifeEntry, ...]:
    """What was said and done."""
    said = {
        "asked": LifeEntry(
            NOW - timedelta(days=9),
            "undo",
            "done",
            s.pick("买方申请退回 ¥3,980.00", "The buyer asked for ¥3,980.00 back"),
            reason(s),
        ),
        "refused": LifeEntry(
            NOW - timedelta(days=6), "message", "failed", s.pick("卖方拒绝", "The seller refused"), answer(s)
        ),
        "escalated": LifeEntry(
            NOW - timedelta(days=2),
            "split",
            "done",
            s.pick("买方提请平台裁定", "The buyer took it to the operator"),
            s.pick("视频里没有提到上限。", "The video mentions no limit."),
        ),
        "granted": LifeEntry(
            NOW,
            "check",
            "done",
            s.pick("同意退回 ¥1,200.00", "¥1,200.00 granted"),
            s.pick("各退一步。", "Half and half."),
        ),
        "due": LifeEntry(
            NOW + timedelta(days=12),
            "clock",
            "todo",
            s.pick("平台未裁定则维持拒绝", "The refusal stands, unless the operator decides"),
            is_due=True,
        ),
    }
    return tuple(said[step] for step in steps)


def case(s: Samples, side: Side, state: str, *steps: str, shown: bool = True) -> RefundCasePage:
    """A case as one side sees it."""
    files = (("buyer", s.pick("导出限制截图.png", "export-limit.png"), 214_000), ("seller", "terms-2026.pdf", 88_000))
    evidence = tuple(
        RefundEvidenceItem(addresses.refunds.evidence(side, ID.format(80), ID.format(n)), name, size, by, NOW)
        for n, (by, name, size) in enumerate(files, 90)
    )
    order = addresses.order(ID.format(1)) if side == "buyer" else addresses.trace(ID.format(1))
    is_open = state in {"asked", "refused", "escalated"}
    return PAGES[side](
        ID.format(80),
        s.hiring,
        "CM-7K2M9Q",
        order,
        s.buyer,
        s.seller,
        state,
        cny(398_000),
        cny(398_000 if is_open else 278_000),
        cny(120_000) if state == "granted" else None,
        NOW + timedelta(days=12) if is_open else None,
        False,
        False,
        course(s, *steps),
        evidence if shown else (),
        10,
        10_000_000,
        2_000,
        may_decide=(side, state) in {("seller", "asked"), ("operator", "escalated")},
        may_escalate=(side, state) == ("buyer", "refused"),
        may_withdraw=side == "buyer" and is_open,
        may_show=side != "operator" and is_open,
        amount="3980.00",
    )


def ask(s: Samples, *, wrong: bool = False) -> RefundAskView:
    """The form, as it opens or with an amount that was refused."""
    most: Money = cny(398_000)
    view = RefundAskView(ID.format(1), "CM-7K2M9Q", s.hiring, s.seller, most, 5, 2_000, "3980.00")
    said = s.pick(
        "金额不正确。没有数据被改动。请填写数字，例如 1,990.50。",
        "This is no amount. Nothing was changed. Write a number such as 1,990.50.",
    )
    return replace(view, amount="12.345", reason=reason(s), error=said, error_field="amount_minor") if wrong else view


def order(s: DeskSamples) -> OrderPageView:
    """An order of which money was asked back."""
    return replace(s.order(), refund_cases=items(s, "buyer")[1:4], may_ask_back=True)


def buyers_pages(s: DeskSamples) -> dict[str, View]:
    """The buyer's pages by name."""
    return {
        "order-asked-back": order(s),
        "refund-ask": ask(s),
        "refund-ask-refused": ask(s, wrong=True),
        "refund-cases": RefundCasesView(items(s, "buyer"), STATES),
        "refund-cases-none": RefundCasesView((), STATES),
        "refund-case": case(s, "buyer", "refused", "asked", "refused", "due"),
        "refund-case-owed": replace(case(s, "buyer", "granted", "asked", "granted"), is_owed=True),
        "refund-case-granted": case(s, "buyer", "granted", "asked", "refused", "escalated", "granted"),
    }


def sellers_pages(s: DeskSamples) -> dict[str, View]:
    """The seller's pages by name."""
    return {
        "seller-refund-cases": SellerRefundCasesView(items(s, "seller"), STATES),
        "seller-refund-cases-none": SellerRefundCasesView((), STATES),
        "seller-refund-case": case(s, "seller", "asked", "asked", shown=False),
        "seller-refund-case-disputed": replace(case(s, "seller", "asked", "asked"), is_disputed=True),
    }


def operators_pages(s: DeskSamples) -> dict[str, View]:
    """The operator's pages by name."""
    return {
        "operator-refund-cases": OperatorRefundCasesView(items(s, "operator")[2:3] * 2),
        "operator-refund-cases-none": OperatorRefundCasesView(()),
        "operator-refund-case": case(s, "operator", "escalated", "asked", "refused", "escalated", "due"),
    }
