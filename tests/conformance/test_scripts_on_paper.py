"""Names are printed as they are written: every script has its letters, and what is copied from the paper reads the same."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from billing.documents import other_scripts
from billing.documents.clean_text import clean_text
from billing.documents.fonts import _missing, substitute_glyphs
from billing.documents.model import InvoiceDocument
from billing.documents.renderer import render_pdf
from tests.sample_documents import PANGO_MISSING, chinese_invoice, pango_is_there

pytestmark = pytest.mark.skipif(not pango_is_there(), reason=PANGO_MISSING)

PLAIN = {
    "Latin": "Przedsiębiorstwo Żółw Łódź Sp. z o.o. Şirketi İğdır Ħ",
    "Vietnamese": "Công ty Cổ phần Phần mềm Việt",
    "Greek": "Ελληνική Εταιρεία Α.Ε.",
    "Cyrillic": "Общество «Ромашка» Ё Ї Ђ Қазақстан",
    "Armenian": "Հայկական ընկերություն",
    "Georgian": "საქართველოს კომპანია",
    "Ethiopic": "የኢትዮጵያ ኩባንያ",
    "Korean": "주식회사 한국",
    "Japanese": "株式会社テスト ひらがな",
    "Yi, Tifinagh, Cherokee, Santali, Inuktitut": "ꆈꌠ ⵜⴰⵙⵓⵏⵜ ᏣᎳᎩ ᱥᱟᱱᱛᱟᱲᱤ ᓄᓇᕗᑦ",
    "signs in a product's name": "Pro ⚡ ⛵ 🚀 😀 Plan",
}
SHAPED = {
    "Arabic": "شركة الاتصالات السعودية لا بتث",
    "Persian": "شرکت می\u200cخواهیم",
    "Devanagari": "भारतीय क्षेत्रीय कंपनी लिमिटेड",
    "Bengali": "বাংলাদেশ কোম্পানি",
    "Gurmukhi": "ਪੰਜਾਬੀ ਕੰਪਨੀ",
    "Gujarati": "ગુજરાતી કંપની",
    "Oriya": "ଓଡ଼ିଆ କମ୍ପାନୀ",
    "Tamil": "தமிழ் நிறுவனம்",
    "Telugu": "తెలుగు సంస్థ",
    "Kannada": "ಕನ್ನಡ ಕಂಪನಿ",
    "Malayalam": "മലയാളം കമ്പനി",
    "Sinhala": "ශ්\u200dරී ලංකා සමාගම",
    "Thai": "บริษัท ทดสอบ จำกัด ที่นี่",
    "Lao": "ບໍລິສັດ ທົດສອບ ຈຳ",
    "Burmese": "မြန်မာ ကုမ္ပဏီ",
    "Khmer": "ក្រុមហ៊ុន សាកល្បង កើត",
    "Tibetan": "བོད་ལྗོངས་ཀུང་སི།",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ ᠺᠣᠮᠫᠠᠨᠢ",
    "Meetei Mayek": "ꯃꯤꯇꯩ ꯀꯝꯄꯅꯤ",
    "Thaana": "ދިވެހި ކުންފުނި",
}
HEBREW = "חברת הבדיקה בע״מ"


def bought_by(name: str) -> InvoiceDocument:
    document = chinese_invoice()
    return replace(document, buyer=replace(document.buyer, legal_name=name))


def glyphs_of(content: bytes) -> Iterator[tuple[str, int, int]]:
    """Every glyph that a page shows: its font, its number, and how many the font has."""
    with pikepdf.open(io.BytesIO(content)) as opened:
        for page in opened.pages:
            counts = {name: len(widths_of(font)) for name, font in page.Resources.Font.items()}
            current = ""
            for one in pikepdf.parse_content_stream(page):
                operands, operator = one.operands, str(one.operator)
                if operator == "Tf":
                    current = str(operands[0])
                for shown in shown_by(operands, operator):
                    for at in range(0, len(shown), 2):
                        yield current, int.from_bytes(shown[at : at + 2], "big"), counts[current]


def shown_by(operands: Any, operator: str) -> list[bytes]:
    if operator == "Tj":
        return [bytes(operands[0])]
    return [bytes(one) for one in operands[0] if isinstance(one, pikepdf.String)] if operator == "TJ" else []


def widths_of(font: Any) -> list[float]:
    found: list[float] = []
    for one in font.DescendantFonts[0].W:
        found.extend(map(float, one) if isinstance(one, pikepdf.Array) else ())
    return found


def said_by(content: bytes) -> list[str]:
    """What stands beside the glyphs where they do not tell the text."""
    with pikepdf.open(io.BytesIO(content)) as opened:
        return [
            str(one.operands[1].ActualText)
            for page in opened.pages
            for one in pikepdf.parse_content_stream(page)
            if str(one.operator) == "BDC" and "/ActualText" in one.operands[1]
        ]


def text_of(content: bytes) -> str:
    """A name may stand on two lines."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


@pytest.mark.parametrize("script", [*PLAIN, *SHAPED, "Hebrew"])
def test_every_script_has_its_letters(script: str) -> None:
    name = {**PLAIN, **SHAPED, "Hebrew": HEBREW}[script]
    document = bought_by(name)
    assert document.buyer.legal_name == unicodedata.normalize("NFC", name), "nothing of it was taken for a trick"
    content = render_pdf(document)
    assert content == render_pdf(document)
    glyphs = list(glyphs_of(content))
    assert glyphs
    assert all(0 < glyph < count for _, glyph, count in glyphs), "an empty box"
    with pikepdf.open(io.BytesIO(content)) as opened:
        for font in opened.pages[0].Resources.Font.values():
            drawn_by = font.DescendantFonts[0]
            assert str(drawn_by.FontDescriptor.FontFamily).startswith("Document"), "a font of this machine crept in"
            assert "/FontFile2" in drawn_by.FontDescriptor or "/FontFile3" in drawn_by.FontDescriptor
            assert drawn_by.Subtype != "/CIDFontType2" or drawn_by.CIDToGIDMap == "/Identity", "ISO 19005-3 §6.2.11.3.2"
    text = text_of(content)
    assert "[U+" not in text
    if script in PLAIN:
        assert document.buyer.legal_name in text
    elif script in SHAPED:
        assert document.buyer.legal_name in said_by(content)
    else:
        # Drawn from right to left, glyph by glyph.
        assert document.buyer.legal_name in text or document.buyer.legal_name[::-1] in text


def test_a_script_is_drawn_by_one_typeface_throughout_a_document() -> None:
    content = render_pdf(bought_by("Łódź Company, Invoice 2026"))
    with pikepdf.open(io.BytesIO(content)) as opened:
        maps = [bytes(font.ToUnicode.read_bytes()) for font in opened.pages[0].Resources.Font.values()]
    drawing = [one for one in maps if re.search(rb"> <0061>\n", one)]
    assert len(set(drawing)) == 1, "half a word in another typeface"


def test_names_of_several_scripts_stand_side_by_side() -> None:
    document = bought_by("株式会社 Żółw")
    both = replace(document, seller=replace(document.seller, legal_name=SHAPED["Arabic"]))
    content = render_pdf(both)
    assert "株式会社 Żółw" in text_of(content)
    assert SHAPED["Arabic"] in said_by(content)


@given(st.text(st.sampled_from(sorted(other_scripts.covered_characters())), min_size=1, max_size=12))
@settings(max_examples=200)
def test_what_can_be_drawn_has_a_cut_and_is_not_written_out(text: str) -> None:
    assert substitute_glyphs(text) == text
    missing = _missing(text)
    cuts = other_scripts.cuts_for(text, missing)
    assert missing <= frozenset().union(*(cut.characters for cut in cuts))
    assert sum(len(cut.characters & missing) for cut in cuts) == len(missing), "each by one typeface"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("می\u200cخواهیم", "می\u200cخواهیم"),
        ("pay\u200dpal", "paypal"),
        ("می\u200c", "می"),
        ("\u200dරී", "රී"),
        ("上\u200c海", "上海"),
        ("a\u202eb", "ab"),
    ],
)
def test_joiners_stay_where_they_change_letters_and_nowhere_else(text: str, kept: str) -> None:
    assert clean_text(text, field="name", limit=50) == kept
