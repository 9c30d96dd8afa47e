"""What of a paper's text is said to be of its other language: no more than is certain, and no character of it is lost."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.documents.model import Language
from billing.documents.spoken import spoken

_TAGS = re.compile('<span lang="([^"]+)">|</span>')
TEXTS = st.text(st.sampled_from("招聘专业版（）、 abzAZ019.·/-&<>\"'\néß日本のひ한"), max_size=60)


@given(TEXTS, st.sampled_from(list(Language)))
def test_the_text_stays_what_it_is_and_no_markup_comes_from_it(text: str, language: Language) -> None:
    marked = str(spoken(text, language))
    plain = _TAGS.sub("", marked)
    assert unescape(plain) == text
    assert not re.search("[<>\"']", plain)
    for tongue, said in re.findall('<span lang="([^"]+)">(.*?)</span>', marked, re.DOTALL):
        if tongue == "en":
            assert language is not Language.EN
            assert unescape(said).isascii() or set(unescape(said)) <= {"’", *map(chr, range(128))}
            assert re.search("[A-Za-z]", said)
        else:
            assert (tongue, language) == ("zh-CN", Language.EN)
            assert not re.search("[A-Za-z]", unescape(said))


@pytest.mark.parametrize(
    ("text", "language", "marked"),
    [
        ("招聘专业版 · 标准", Language.BILINGUAL, "招聘专业版 · 标准"),
        ("免征增值税 / Exempt from VAT", Language.ZH, '免征增值税 / <span lang="en">Exempt from VAT</span>'),
        ("席 / seat", Language.EN, '<span lang="zh-CN">席</span> / seat'),
        ("订单 INV-2026-000912 CNY", Language.BILINGUAL, "订单 INV-2026-000912 CNY"),
        ("20 席\nSeats 20: 20 × 199", Language.ZH, '20 席\n<span lang="en">Seats 20: 20</span> × 199'),
        # Of a language that nobody knows here.
        ("Müller & Söhne", Language.ZH, "Müller &amp; Söhne"),
        ("分析プラン", Language.EN, "分析プラン"),
        ("<b>招聘</b>", Language.EN, '&lt;b&gt;<span lang="zh-CN">招聘</span>&lt;/b&gt;'),
    ],
)
def test_what_is_certain_is_marked(text: str, language: Language, marked: str) -> None:
    assert str(spoken(text, language)) == marked
