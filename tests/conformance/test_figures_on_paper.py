"""Figures and rates stay in their cells: none runs into the next column, leaves the margin or breaks behind its point."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from billing.documents.html import HtmlDocument, invoice_html, statement_html, style_sheet
from billing.documents.lines import DocumentLine, TaxCategory
from billing.documents.model import Language
from billing.documents.renderer import _fetcher_class, _weasyprint
from tests.sample_documents import (
    PANGO_MISSING,
    chinese_invoice,
    credit_note,
    euro_invoice,
    excluded_line,
    included_line,
    invoice_of,
    pango_is_there,
    statement,
    untaxed_line,
)

pytestmark = pytest.mark.skipif(not pango_is_there(), reason=PANGO_MISSING)
ROUNDING_PX = 0.5
FIGURE = re.compile(r"[-A-Z¥ ]*[\d,]+(\.\d+)?%?")


def cells_of(paper: HtmlDocument) -> Iterator[tuple[Any, list[Any]]]:
    """Every table cell that holds text itself, and its lines."""
    weasyprint = _weasyprint()
    style = weasyprint.CSS(string=style_sheet())
    html = weasyprint.HTML(string=paper.html, url_fetcher=_fetcher_class()(paper))
    for page in html.render(stylesheets=[style]).pages:
        for cell in page._page_box.descendants():
            if type(cell).__name__ == "TableCellBox":
                lines = [box for box in cell.descendants() if type(box).__name__ == "LineBox"]
                if not any(type(box).__name__ == "TableBox" for box in cell.descendants()):
                    yield cell, lines


def written(line: Any) -> str:
    return "".join(box.text for box in line.descendants() if type(box).__name__ == "TextBox")


def check(paper: HtmlDocument) -> None:
    figures = 0
    for cell, lines in cells_of(paper):
        for line in lines:
            widths = [box.width for box in line.children]
            assert sum(widths) <= cell.width + ROUNDING_PX, f"{written(line)!r} leaves its cell"
        texts = [written(line) for line in lines]
        if "num" in cell.element.get("class", "").split() and FIGURE.fullmatch("".join(texts)):
            figures += 1
            assert not any(text.endswith(".") for text in texts), "broken behind its point"
            assert len(texts) == 1 or "price" in cell.element.get("class"), f"{texts} on several lines"
    assert figures > 5


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("category", [one for one in TaxCategory if one is not TaxCategory.STANDARD])
def test_the_words_of_a_rate_stay_in_its_column(category: TaxCategory, language: Language) -> None:
    line = untaxed_line("Export of services", category, 4_900, exemption_reason="Article 196")
    check(invoice_html(euro_invoice(line, language=language)))


@pytest.mark.parametrize("digits", range(6, 15))
def test_amounts_of_any_length_stay_on_one_line_in_their_cells(digits: int) -> None:
    net = int("9" * digits)
    lines = (excluded_line("大额服务 Big service", net, 270_000), excluded_line("Łódź", net // 7, 60_000))
    check(invoice_html(invoice_of(*lines)))
    check(invoice_html(invoice_of(*lines, language=Language.EN, currency="IDR")))


def test_a_price_with_many_digits_breaks_among_those_behind_the_cents() -> None:
    lines = [included_line("席位", 99_999_999_999, "7"), included_line("席位", 100, "3", unit="席位·月")]
    check(invoice_html(invoice_of(*lines)))


def test_many_pieces_and_what_is_given_back() -> None:
    many: DocumentLine = included_line("席位", 999_999_999, "123456789")
    check(invoice_html(invoice_of(many)))
    check(invoice_html(credit_note()))


@pytest.mark.parametrize("factor", [1, 1_000, 100_000, 10_000_000])
def test_a_statement_s_columns_hold_their_amounts(factor: int) -> None:
    check(statement_html(statement(count=4, factor=factor)))


TITLES = {
    Language.ZH: {"账单", "（非税务发票）", "退款账单", "结算单"},
    Language.EN: {"Bill", "(not a tax invoice)", "Credit bill", "Settlement", "statement", "Settlement statement"},
}


@pytest.mark.parametrize("language", list(Language))
def test_a_title_breaks_between_its_words_alone(language: Language) -> None:
    papers = [
        invoice_html(chinese_invoice(language=language)),
        invoice_html(credit_note(language=language)),
        statement_html(statement(language=language)),
    ]
    for paper in papers:
        said = title_lines(paper)
        assert said
        words = set(" ".join(said).split())
        known = {word for titles in TITLES.values() for title in titles for word in title.split()}
        assert words <= known, said


def title_lines(paper: HtmlDocument) -> list[str]:
    """The lines on which a document's title stands."""
    style = _weasyprint().CSS(string=style_sheet())
    html = _weasyprint().HTML(string=paper.html, url_fetcher=_fetcher_class()(paper))
    boxes = html.render(stylesheets=[style]).pages[0]._page_box.descendants()
    headings = [box for box in boxes if box.element_tag == "h1" and type(box).__name__ == "BlockBox"]
    return [written(box) for heading in headings for box in heading.descendants() if type(box).__name__ == "LineBox"]
