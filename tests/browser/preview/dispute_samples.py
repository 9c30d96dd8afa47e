"""Disputed payments: the lists of three sides, and a case as each of them sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from api.pages.disputes.views import (
    LISTS,
    PAGES,
    AssignableLine,
    DisputeFile,
    DisputePageView,
    DisputePartItem,
    DisputeRowItem,
    DisputesView,
)
from api.pages.frame.dispute_addresses import DisputeSide
from orders.disputes.queries import DisputeCaseView, DisputeDocument, DisputeSent, DisputeWords
from tests.browser.preview.buying_samples import NOW, cny
from tests.browser.preview.selling_samples import DeskSamples

_ID, _BUYER, _SELLER = UUID(int=1), UUID(int=2), UUID(int=3)


def dispute_list(s: DeskSamples, side: DisputeSide, *, none: bool = False) -> DisputesView:
    """One that waits, one with the bank, one lost; or none."""
    waits = DisputeRowItem(
        address=f"/{side}/disputes/1",
        orders=("CM-7K2M9Q", "CM-3XW81B"),
        parties=f"{s.buyer} · {s.seller}",
        reason="fraudulent",
        state="open",
        amount=cny(398_000),
        left_s=4 * 86_400,
        is_sent=False,
    )
    sent = replace(waits, orders=("CM-90KLQ2",), left_s=None, is_sent=True, reason="product_unacceptable")
    lost = replace(sent, state="lost", reason="")
    return LISTS[side](side, () if none else (waits, replace(waits, left_s=-60), sent, lost), None)


def dispute_case(s: DeskSamples, side: DisputeSide, *, refused: bool = False) -> DisputePageView:
    """Open, with words and documents; of the operator with lines to name and a text to send."""
    said = s.pick("当天已开通，20 个席位中 18 个在用。", "It was opened on the day; 18 of 20 seats are in use.")
    words = (
        DisputeWords("seller", _SELLER, said, False, NOW),
        DisputeWords("buyer", _BUYER, s.pick("是我方同事误操作。", "A colleague did it by mistake."), True, NOW),
    )
    document = DisputeDocument(UUID(int=7), "seller", _SELLER, "delivery.pdf", "application/pdf", 182_000, NOW)
    failed = DisputeSent(UUID(int=8), said, (), ("delivery.pdf",), "clock", "failed", "evidence_late", NOW, NOW)
    found = DisputeCaseView(
        id=_ID,
        payment_id=UUID(int=4),
        gateway="sandbox",
        gateway_reference="sbx_dis_019ad000",
        state="open",
        reason="fraudulent",
        currency="CNY",
        amount_minor=398_000,
        frozen_minor=338_300,
        basis="pro_rata",
        answer_by=NOW + timedelta(days=5),
        submit_at=NOW + timedelta(days=6),
        due_by=NOW + timedelta(days=7),
        submitted_at=None,
        is_answerable=True,
        fee_minor=1_500,
        fee_currency="CNY",
        loss_minor=100_000,
        loss_left_minor=40_000,
        created_at=NOW,
        ended_at=None,
        parts=(),
        words=words,
        documents=(document,),
        sent=(failed,) if side != "seller" else (),
    )
    other = {"buyer": s.seller, "seller": s.buyer}.get(side, f"{s.buyer} · {s.seller}")
    error = s.pick(
        "文件超过 1.5 MB，银行不接收。文件没有保存。", "The file is larger than banks take. It was not stored."
    )
    lines = (AssignableLine(str(_ID), "CM-7K2M9Q", s.hiring, s.seller, cny(298_000), "2,980.00"),)
    return PAGES[side](
        side=side,
        found=found,
        here=f"/{side}/disputes/1",
        amount=cny(398_000),
        frozen=cny(338_300),
        fee=cny(1_500),
        loss=cny(100_000),
        loss_left=cny(40_000),
        parts=(
            DisputePartItem("/orders/1", "CM-7K2M9Q", other, s.hiring, cny(298_000)),
            DisputePartItem("/orders/2", "CM-3XW81B", other, "", cny(100_000)),
        ),
        files=(DisputeFile(str(UUID(int=7)), "seller", "delivery.pdf", 182_000, "/v1/x", s.seller, ticked=True),),
        names={str(_SELLER): s.seller, str(_BUYER): s.buyer},
        may_say=side != "operator",
        may_send=side == "operator",
        text=f"Payment sbx_pay_1 of CNY 3980.00.\n\nOrder CM-7K2M9Q\n- {s.hiring} × 20: delivered\n\n{said}",
        lines=lines if side == "operator" else (),
        words=said if refused else "",
        max_bytes=1_500_000,
        error=error if refused else None,
        error_field="words" if refused else "",
    )
