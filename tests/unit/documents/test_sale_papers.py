"""Receipts and pro-forma invoices: their sums are checked, their words are never markup, and nobody takes them for invoices."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from billing.documents.html import invoice_html, pro_forma_html, receipt_html
from billing.documents.model import Language
from billing.documents.parties import DocumentParty
from billing.documents.pro_forma import ProFormaDocument, ProFormaLine
from billing.documents.receipt import ReceiptDocument, ReceiptLine
from kernel.errors import Invalid
from tests.sample_documents import credit_note

BUYER = DocumentParty("远山科技有限公司", "CN", "91310115MA1K3YJ12D", address_lines=("张江路 88 号",))
PLATFORM = DocumentParty("示例平台有限公司", "CN", "91330100MA27XXXXXX")
RECEIPT = ReceiptDocument(
    number="RC-20261129-06F87D6F12",
    issued_on=date(2026, 11, 29),
    currency="CNY",
    language=Language.ZH,
    seller=PLATFORM,
    payer=BUYER,
    lines=(
        ReceiptLine(order_number="O-1", seller_name="壹号<b>直聘</b>", amount_minor=300_000),
        ReceiptLine(order_number="O-2", seller_name="云帆", amount_minor=98_000),
    ),
    amount_minor=398_000,
    credit_minor=8_000,
    paid_by="对公转账",
    payment_ref="bt_1",
    sandbox=True,
)
PRO_FORMA = ProFormaDocument(
    number="PF-20261129-06F87D6F12",
    issued_on=date(2026, 11, 29),
    valid_on=date(2026, 11, 30),
    currency="CNY",
    language=Language.ZH,
    seller=PLATFORM,
    buyer=BUYER,
    lines=(
        ProFormaLine(
            seller_name="壹号直聘",
            name="招聘专业版 · <i>专业版</i>",
            note="",
            quantity=20,
            net_minor=375_472,
            tax_rate_ppm=60_000,
            tax_minor=22_528,
            gross_minor=398_000,
        ),
    ),
    net_minor=375_472,
    tax_minor=22_528,
    gross_minor=398_000,
    sandbox=False,
)


@pytest.mark.parametrize(
    ("language", "heading", "unlike"),
    [
        (Language.ZH, "（非发票）", "本收据不是发票"),
        (Language.EN, "(not an invoice)", "This is no invoice"),
        (Language.BILINGUAL, "Receipt", "This is no invoice"),
    ],
)
def test_a_receipt_says_what_was_received_and_that_it_is_no_invoice(
    language: Language, heading: str, unlike: str
) -> None:
    html = receipt_html(replace(RECEIPT, language=language)).html
    for text in (heading, unlike, RECEIPT.number, "3,980.00", "3,900.00", "80.00", "对公转账", "O-2", BUYER.tax_id):
        assert text in html, text
    assert "<b>直聘</b>" not in html
    assert ("叁仟玖佰捌拾圆整" in html) is (language is not Language.EN)


@pytest.mark.parametrize(
    ("language", "heading", "unlike"),
    [
        (Language.ZH, "形式发票", "不是发票"),
        (Language.EN, "Pro-forma invoice", "no invoice"),
        (Language.BILINGUAL, "Pro-forma invoice", "不是发票"),
    ],
)
def test_a_pro_forma_invoice_says_what_is_to_be_paid_and_that_it_is_no_invoice(
    language: Language, heading: str, unlike: str
) -> None:
    html = pro_forma_html(replace(PRO_FORMA, language=language)).html
    for text in (heading, unlike, PRO_FORMA.number, "3,754.72", "225.28", "3,980.00", "6%", "壹号直聘"):
        assert text in html, text
    assert "<i>" not in html


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_minor": 398_001}, "document_total_differs"),
        ({"lines": (), "amount_minor": 0}, "document_total_differs"),
        ({"credit_minor": 398_001}, "document_paid_out_of_range"),
        ({"number": ""}, "document_needs_number"),
        ({"currency": "XXY"}, "currency_unknown"),
    ],
)
def test_a_receipt_that_does_not_add_up_is_none(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        replace(RECEIPT, **changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"gross_minor": 398_001}, "document_total_differs"),
        ({"lines": ()}, "document_line_count"),
        ({"number": ""}, "document_needs_number"),
        ({"currency": "XXY"}, "currency_unknown"),
    ],
)
def test_a_pro_forma_invoice_that_does_not_add_up_is_none(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        replace(PRO_FORMA, **changes)
    with pytest.raises(Invalid, match="document_line_gross_differs"):
        replace(PRO_FORMA.lines[0], tax_minor=0)


def test_a_note_between_two_titles_says_that_nothing_is_paid_back() -> None:
    refunded = credit_note()
    corrected = invoice_html(replace(refunded, carried_over=True, paid_minor=refunded.gross_minor)).html
    for text in ("冲销账单", "转入新单", "更正原因"):
        assert text in corrected
        assert text not in invoice_html(replace(refunded, paid_minor=refunded.gross_minor)).html
    assert "已退款" not in corrected
