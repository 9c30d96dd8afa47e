"""The CSRF token, covered for each answer: it is found under every cover and nothing else is taken for it."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.csrf import cover_token, is_token, organization_of_page, page_token

TOKEN = "q0-_rAnD0m"


@given(st.text(min_size=1, max_size=60))
def test_a_covered_token_is_the_token(token: str) -> None:
    token = token.encode(errors="replace").decode()
    assert is_token(cover_token(token), token)
    assert is_token(token, token)


def test_no_two_covers_are_alike_and_none_shows_the_token() -> None:
    covers = [cover_token(TOKEN) for _ in range(20)]
    assert len(set(covers)) == len(covers)
    for cover in covers:
        assert "=" not in cover
        content = base64.urlsafe_b64decode(cover + "=" * (-len(cover) % 4))
        assert len(content) == 2 * len(TOKEN)
        assert TOKEN.encode() not in content


@pytest.mark.parametrize(
    "other",
    ["", "=", "a", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "令牌", "\ud800", cover_token("q0-_rAnD0n"), "!" * 28],
    # A cover is another in each process, and test processes agree on their tests by name.
    ids=str.split("empty equals letter shorter longer capitals chinese surrogate covered punctuation"),
)
def test_anything_else_is_not(other: str) -> None:
    assert not is_token(other, TOKEN)


def test_a_cover_with_foreign_characters_or_of_another_length_is_not_read() -> None:
    cover = cover_token(TOKEN)
    for foreign in ("!", "!!!!"):
        assert not is_token(foreign + cover, TOKEN)
    assert not is_token(cover + "\n", TOKEN)
    zeros = b"\0" * len(TOKEN)
    assert is_token(base64.urlsafe_b64encode(zeros + TOKEN.encode()).decode(), TOKEN)
    assert not is_token(base64.urlsafe_b64encode(zeros + TOKEN.encode() + b"\0").decode(), TOKEN)
    assert not is_token(base64.urlsafe_b64encode(b"\0" * 40).decode(), TOKEN)


def test_a_page_says_for_which_organization_it_was_drawn() -> None:
    one = UUID("0199a3f2-7c41-7d2e-9f10-5b8c2e4a6d11")
    drawn = page_token(TOKEN, one)
    for sent in (drawn, cover_token(drawn)):
        assert organization_of_page(sent, TOKEN) == one
        assert not is_token(sent, TOKEN)
    others = (
        TOKEN,
        cover_token(TOKEN),
        "",
        drawn[:-1],
        drawn + "0",
        TOKEN[:-1] + "x" + one.hex,
        TOKEN + "z" * 32,
        "令牌",
    )
    for sent in others:
        assert organization_of_page(sent, TOKEN) is None
