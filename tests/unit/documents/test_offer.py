"""The file of an offer: its sums are checked, its words are never markup, and it says what its seller agreed to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from billing.documents.html import offer_html
from billing.documents.model import Language
from billing.documents.offer import OfferDocument, OfferDocumentLine
from billing.documents.parties import DocumentParty
from kernel.errors import Invalid

LINE = OfferDocumentLine(
    name="招聘专业版 · <b>专业版</b>",
    note="期限 12 个月",
    price_unit="seat/year",
    quantity=20,
    at_least=True,
    unit_price_minor=16_915,
    list_price_minor=19_900,
    total_minor=338_300,
    tax_included=True,
)
OFFER = OfferDocument(
    number="20261129-06F87D6F12",
    issued_on=date(2026, 11, 29),
    valid_on=date(2026, 12, 29),
    currency="CNY",
    language=Language.ZH,
    seller=DocumentParty(legal_name="壹号直聘", country="CN", tax_id="91330100MA27XXXXXX"),
    buyer=DocumentParty(legal_name="远山科技", country="CN"),
    lines=(LINE,),
    total_minor=338_300,
    terms="含一次上门培训。",
)


@pytest.mark.parametrize(("language", "said"), [(Language.ZH, "有效期至"), (Language.EN, "Valid until")])
def test_it_says_who_offers_what_to_whom_until_when(language: Language, said: str) -> None:
    html = offer_html(replace(OFFER, language=language)).html
    for text in (
        said,
        "壹号直聘",
        "远山科技",
        "≥ 20",
        "169.15",
        "199.00",
        "3,383.00",
        "含一次上门培训。",
        OFFER.number,
    ):
        assert text in html, text
    assert "<b>专业版</b>" not in html


def test_the_same_offer_is_the_same_file() -> None:
    assert offer_html(OFFER).fingerprint == offer_html(replace(OFFER)).fingerprint
    assert offer_html(OFFER).fingerprint != offer_html(replace(OFFER, terms="?")).fingerprint


def test_what_does_not_add_up_is_no_document() -> None:
    with pytest.raises(Invalid, match="offer_line_total_differs"):
        replace(LINE, quantity=21)
    with pytest.raises(Invalid, match="offer_total_differs"):
        replace(OFFER, total_minor=1)
    with pytest.raises(Invalid, match="document_price_unit_unknown"):
        replace(LINE, price_unit="fortnight")


def test_a_price_of_several_parts_is_that_of_the_first_term_and_explained() -> None:
    line = replace(
        LINE, price_unit="first_term", total_minor=16_915, details=("开通费 ¥500.00，仅首次收取", "基础费：¥169.15")
    )
    html = offer_html(replace(OFFER, lines=(line,), total_minor=16_915)).html
    for text in ("首期", "开通费 ¥500.00，仅首次收取", "基础费：¥169.15"):
        assert text in html, text
    with pytest.raises(Invalid, match="offer_line_total_differs"):
        replace(line, total_minor=338_300)
