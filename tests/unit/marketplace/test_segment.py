"""How text is cut into words, asked for, and marked."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.search_index.entries import IndexedWords, document_of
from marketplace.search_index.highlights import highlights
from marketplace.search_index.query import MOST_WORDS, exact_query, similar_query
from marketplace.search_index.segment import lexemes, normalized, query_words, readings, spellings, words_of


def all_lexemes(text: str) -> set[str]:
    return set().union(*lexemes(text))


def test_chinese_is_cut_into_words_and_read_in_pinyin() -> None:
    assert {"招聘", "专业", "专业版", "zhaopin", "zp", "zhuanyeban"} <= all_lexemes("招聘专业版")
    assert readings("重庆") == ("chongqing", "cq")
    assert readings("hr") == ()


def test_latin_words_are_plain_whatever_their_width_and_case() -> None:
    assert [word.text for word in words_of("ＨＲ-Pro 2.0")] == ["hr", "pro", "2", "0"]


def test_a_query_has_each_word_once_and_no_more_than_are_asked_for() -> None:
    assert [word.text for word in query_words("招聘 招聘 专业版", 8)] == ["招聘", "专业版"]
    assert exact_query(" ".join(f"字{n}" for n in range(50))).count(" & ") == MOST_WORDS - 1
    for nothing in ("", "   ", "&|!():*'\\", "。，"):
        assert exact_query(nothing) == similar_query(nothing) == ""


@pytest.mark.parametrize("typed", ["recruting", "recruitting", "rceruiting", "recroiting"])
def test_one_typing_mistake_leaves_a_spelling_in_common(typed: str) -> None:
    assert spellings("recruiting") & spellings(typed)
    assert not spellings("recruiting") & spellings("accounting")


def test_short_words_are_not_guessed_at() -> None:
    assert spellings("crm") == frozenset()


@given(st.text(max_size=80))
def test_any_text_is_a_document_and_a_query_whose_marks_lie_in_it(text: str) -> None:
    assert len(normalized(text)) == len(text)
    for lexeme in document_of(IndexedWords((text,))).split(" ") if text.strip() else []:
        assert not lexeme or lexeme.count("'") == 2
    exact_query(text)
    marks = highlights(text, text)
    flat = [place for mark in marks for place in mark]
    assert flat == sorted(flat)
    assert all(0 <= place <= len(text) for place in flat)


@pytest.mark.parametrize(
    ("query", "marked"),
    [("招聘", ["招聘"]), ("zhaopin", ["招聘"]), ("recruit", ["Recruiting"]), ("recruting", ["Recruiting"]), ("x", [])],
)
def test_what_was_meant_is_marked(query: str, marked: list[str]) -> None:
    text = "招聘专业版 Recruiting Pro"
    assert [text[start:end] for start, end in highlights(text, query)] == marked


def test_dictionaries_are_loaded_when_text_is_cut_and_not_before() -> None:
    code = (
        "import sys, api.routes, app.composition, marketplace.discovery.search\n"
        "assert not {'rjieba', 'pypinyin'} & sys.modules.keys()\n"
        "from marketplace.search_index.segment import words_of\n"
        "list(words_of('plain words'))\n"
        "assert not {'rjieba', 'pypinyin'} & sys.modules.keys()\n"
        "list(words_of('招聘'))\n"
        "assert 'rjieba' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(st.text(max_size=40))
def test_whatever_a_name_is_nothing_empty_is_indexed(text: str) -> None:
    assert all(form.strip("~") for forms in lexemes(text, spelled=True) for form in forms)
