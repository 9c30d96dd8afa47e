"""What people write is cleaned and refused, never cut."""

from __future__ import annotations

import pytest

from kernel.errors import Invalid
from marketplace.input_text import line, optional_line, paragraphs


def test_a_line_is_cleaned_and_needed() -> None:
    assert line("name", "  云\u200b端\x00 \n 人事  ") == "云端 人事"
    for empty in ("", " \n", "\u200b"):
        with pytest.raises(Invalid, match="text_required"):
            line("name", empty)
        assert not optional_line("address", empty)


def test_what_is_too_long_is_refused_once_it_is_clean() -> None:
    assert line("name", " " + "x" * 200 + " ") == "x" * 200
    for write in (line, optional_line, paragraphs):
        with pytest.raises(Invalid, match="text_too_long"):
            write("name", "x" * 201, 200)


def test_paragraphs_keep_their_lines() -> None:
    assert paragraphs("bio", "第一行\r\n\r\n\r\n\r\n第二行", 20) == "第一行\n\n第二行"
