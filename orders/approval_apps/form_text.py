"""What a form outside says of a purchase. Pure; in both languages, as one form is read by everybody there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.money import to_decimal
from orders.checkout.approval_reasons import ApprovalReason

LONGEST = 2_000
MOST_LINES = 20
REASONS = {
    "may_not_buy": ("提出人没有购买权限", "whoever asks may not buy"),
    "order_limit": ("超过单笔限额", "above the limit of one purchase"),
    "month_limit": ("超过本月限额", "above the month's limit"),
    "seller_order_limit": ("超过该卖方的单笔限额", "above the limit of one purchase of this seller"),
    "seller_month_limit": ("超过该卖方的本月限额", "above the month's limit of this seller"),
    "category_order_limit": ("超过该类别的单笔限额", "above the limit of one purchase of this category"),
    "category_month_limit": ("超过该类别的本月限额", "above the month's limit of this category"),
    "not_on_allow_list": ("不在允许清单内", "not on the allow-list"),
}


@dataclass(frozen=True, slots=True)
class FormContent:
    """A step of a purchase as it is asked."""

    gross_minor: int
    currency: str
    seller_names: tuple[str, ...]
    products: tuple[str, ...]
    requester: str
    step: int
    steps: int
    reasons: tuple[ApprovalReason, ...]
    po_number: str | None
    link: str


def form_text(asked: FormContent) -> str:
    """Line by line: what it costs, whose it is, what it is, why it is asked, and where all of it is to be seen."""
    lines = [
        f"金额 Amount: {amount_text(asked.gross_minor, asked.currency)}",
        f"卖方 Seller: {_joined(asked.seller_names)}",
        f"商品 Products: {_joined(asked.products)}",
        f"提出人 Requested by: {asked.requester}",
        f"步骤 Step: {asked.step}/{asked.steps}",
    ]
    if asked.reasons:
        lines.append(f"原因 Reason: {_joined([_reason(one, asked.currency) for one in asked.reasons])}")
    if asked.po_number:
        lines.append(f"采购单号 PO: {asked.po_number}")
    # The link is never cut: what is too long before it is.
    link = f"详情 Details: {asked.link}"
    return "\n".join(lines)[: LONGEST - len(link) - 1] + "\n" + link


def amount_text(minor: int, currency: str) -> str:
    """Exact, with its currency."""
    return f"{to_decimal(minor, currency):,f} {currency}"


def _reason(reason: ApprovalReason, currency: str) -> str:
    chinese, english = REASONS[reason.code]
    about = f" ({reason.subject})" if reason.subject else ""
    limit = f" {amount_text(reason.limit_minor, currency)}" if reason.limit_minor is not None else ""
    return f"{chinese} / {english}{about}{limit}"


def _joined(parts: Sequence[str]) -> str:
    shown = list(dict.fromkeys(parts))
    more = f" … +{len(shown) - MOST_LINES}" if len(shown) > MOST_LINES else ""
    return "; ".join(shown[:MOST_LINES]) + more
