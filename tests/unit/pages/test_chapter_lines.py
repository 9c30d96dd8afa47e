"""Chapters are typed as lines, and come back as they were typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.videos.chapter_lines import read_chapters, write_chapters
from kernel.errors import Invalid
from marketplace.videos.set_chapters import Chapter


def test_a_line_is_a_time_and_a_title_in_one_or_two_languages() -> None:
    typed = "0:00 开场\n\n  0:42　价格 | Pricing  \n1:02:03.5 Questions\n"
    assert read_chapters(typed) == [
        Chapter(0, "开场"),
        Chapter(42_000, "价格", "Pricing"),
        Chapter(3_723_500, "Questions"),
    ]
    assert read_chapters(" \n") == []


@pytest.mark.parametrize("line", ["开场", "0:60 x", "42 x", "0:42", "0:42 a | b | c", "-0:01 x", "٠:٤٢ x", "0:42x"])
def test_what_is_no_chapter_is_named_by_its_number(line: str) -> None:
    with pytest.raises(Invalid, match="chapter_unreadable") as refused:
        read_chapters(f"0:00 开场\n{line}")
    assert refused.value.params["number"] == 2


titles = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@given(st.lists(st.builds(Chapter, st.integers(0, 86_000_000), titles, titles), max_size=5))
def test_what_is_written_is_read_as_the_same(chapters: list[Chapter]) -> None:
    read = [
        Chapter(chapter.at_ms, chapter.title, chapter.title_en or chapter.title)
        for chapter in read_chapters(write_chapters(chapters))
    ]
    assert read == chapters
