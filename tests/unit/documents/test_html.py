"""What is printed: figures, labels, characters. No PDF is made here."""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from billing.documents import formatting
from billing.documents.fonts import subset_font, substitute_glyphs
from billing.documents.html import invoice_html, statement_html
from billing.documents.model import InvoiceDocument, Language
from billing.documents.parties import DocumentParty
from billing.documents.qr import qr_svg
from kernel.errors import Invalid
from kernel.money import exponent
from tests.sample_documents import SELLER_DE, YEAR, chinese_invoice, credit_note, statement


@pytest.mark.parametrize(
    ("amount_minor", "currency", "shown"),
    [
        (398_000, "CNY", "¥3,980.00"),
        (-398_000, "CNY", "-¥3,980.00"),
        (5, "EUR", "EUR 0.05"),
        (1_234_567, "JPY", "JPY 1,234,567"),
        (1_234_567, "KWD", "KWD 1,234.567"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount_minor: int, currency: str, shown: str) -> None:
    assert formatting.money(amount_minor, currency) == shown


@given(st.integers(min_value=-(10**15), max_value=10**15), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_amounts_read_back_exactly(amount_minor: int, currency: str) -> None:
    shown = Decimal(formatting.amount(amount_minor, currency).replace(",", ""))
    assert int(shown.scaleb(exponent(currency))) == amount_minor


def test_prices_rates_and_quantities() -> None:
    assert formatting.unit_price(Decimal("18773.6"), "CNY") == "187.736"
    assert formatting.unit_price(Decimal(50_000), "CNY") == "500.00"
    assert formatting.unit_price(Decimal("0.05"), "JPY") == "0.05"
    assert [formatting.rate(rate) for rate in (60_000, 55_000, 0)] == ["6%", "5.5%", "0%"]
    assert [formatting.decimal(Decimal(text)) for text in ("20.00", "-1.5", "1E+3")] == ["20", "-1.5", "1,000"]


def test_dates_and_countries_follow_the_reader() -> None:
    assert formatting.day(date(2026, 11, 2), Language.ZH) == "2026年11月02日"
    assert formatting.days(YEAR, Language.EN) == "2026-11-22 – 2027-11-21"
    assert formatting.country("DE", Language.BILINGUAL) == "德国 Germany"


def test_rare_characters_have_glyphs_and_others_a_name() -> None:
    assert substitute_glyphs("䶮𠮷㙓\n") == "䶮𠮷㙓\n"
    assert substitute_glyphs("a𓀀") == "a[U+13000]"


def test_the_font_is_small_complete_and_the_same_every_time() -> None:
    text = "上海䶮𠮷㙓 Ltd. ¥（）"
    data = subset_font(text)
    assert data == subset_font("".join(reversed(text)))
    assert len(data) < 40_000
    assert {ord(char) for char in text} <= set(TTFont(io.BytesIO(data)).getBestCmap())


def test_chinese_paper_has_capitals_and_others_do_not() -> None:
    assert "肆仟伍佰肆拾伍圆整" in invoice_html(chinese_invoice()).html
    assert "圆整" not in invoice_html(chinese_invoice(language=Language.EN)).html


def test_a_red_invoice_is_negative_and_cites_its_original() -> None:
    html = invoice_html(credit_note()).html
    assert "（负数）叁仟玖佰捌拾圆整" in html
    assert "-¥3,980.00" in html
    assert "被红冲蓝字数电票号码：26332000000012345678 红字发票信息确认单编号：33012611221234567890" in html


def flat(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_red_invoice_says_what_was_paid_back() -> None:
    assert "已退款 Paid back 3,980.00" in flat(invoice_html(credit_note()).html)
    assert "待退款 Left to pay back ¥0.00" in flat(invoice_html(credit_note()).html)
    unpaid = flat(invoice_html(credit_note(paid_minor=0)).html)
    assert "Left to pay back -¥3,980.00" in unpaid
    assert "Paid back" not in unpaid


def test_the_sandbox_is_named_and_only_there() -> None:
    assert "SANDBOX" in invoice_html(chinese_invoice()).html
    assert "SANDBOX" not in invoice_html(chinese_invoice(sandbox=False)).html
    assert "SANDBOX" in statement_html(statement()).html


@pytest.mark.parametrize(
    ("language", "titles"),
    [
        (Language.ZH, ["账单（非税务发票）", "退款账单（非税务发票）", "结算单"]),
        (Language.EN, ["Bill (not a tax invoice)", "Credit bill (not a tax invoice)", "Settlement statement"]),
        (
            Language.BILINGUAL,
            [
                "账单（非税务发票） Bill (not a tax invoice)",
                "退款账单（非税务发票） Credit bill (not a tax invoice)",
                "结算单 Settlement statement",
            ],
        ),
    ],
)
def test_every_language_sets_every_document(language: Language, titles: list[str]) -> None:
    pages = [
        invoice_html(chinese_invoice(language=language)).html,
        invoice_html(credit_note(language=language)).html,
        statement_html(statement(language=language)).html,
    ]
    for html, title in zip(pages, titles, strict=True):
        assert heading(html) == title


def heading(html: str) -> str:
    """The document's title as it is read: what qualifies it stands on a line of its own."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    assert found is not None
    return re.sub("<[^>]+>", "", re.sub(r'<span class="qualifier">\(', "<span> (", found[1]))


@pytest.mark.parametrize(
    ("document", "title", "number"),
    [
        (chinese_invoice(language=Language.ZH), "账单（非税务发票）", "账单号码"),
        (chinese_invoice(language=Language.ZH, fiscal_number="26332000000012345678"), "电子发票", "发票号码"),
        (credit_note(language=Language.EN, fiscal_number="26332000000012345679"), "Credit note", "Number"),
        (chinese_invoice(language=Language.EN, seller=SELLER_DE), "Invoice", "Number"),
    ],
)
def test_in_china_only_what_an_authority_numbered_is_called_an_invoice(
    document: InvoiceDocument, title: str, number: str
) -> None:
    html = invoice_html(document).html
    assert heading(html) == title
    assert f">{number}</th>" in html


def test_words_of_others_are_never_markup() -> None:
    buyer = DocumentParty(legal_name="<b>\"&'</b>{{7*7}}", country="CN", tax_id="<i>")
    html = invoice_html(chinese_invoice(buyer=buyer, remarks="</p><script>")).html
    assert "&lt;b&gt;&#34;&amp;&#39;&lt;/b&gt;{{7*7}}" in html
    assert "<script" not in html
    assert "<b>" not in html


def test_a_code_that_no_symbol_holds_is_refused() -> None:
    assert qr_svg("https://market.example/v/1") == qr_svg("https://market.example/v/1")
    with pytest.raises(Invalid, match="verification_url_too_long"):
        qr_svg("x" * 3000)
