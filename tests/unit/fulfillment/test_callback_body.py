"""The body of a callback, read strictly (`docs/protocols/webhook.md` §3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fulfillment.connectors.messages import CallbackBody


def read(body: Any) -> CallbackBody:
    return CallbackBody.model_validate_json(body if isinstance(body, bytes) else json.dumps(body))


def test_defaults_and_unknown_fields() -> None:
    found = read({"status": "progress", "of_a_later_version": [1]})
    assert (found.sequence, found.percent, found.retryable, found.words) == (None, 0, False, (None, None))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"nonsense",
        b"[" * 65_000,
        b"\xff",
        {"status": "done"},
        {"status": "progress", "percent": 101},
        {"status": "progress", "percent": -1},
        {"status": "progress", "percent": "50"},
        {"status": "progress", "percent": True},
        {"status": "progress", "percent": 1.5},
        {"status": "progress", "sequence": -1},
        {"status": "progress", "sequence": 2**53},
        {"status": "progress", "message_zh": "字" * 501},
        {"status": "failed", "retryable": "yes"},
        {"status": "succeeded", "launch_url": "javascript:alert(1)"},
    ],
)
def test_what_is_not_of_the_form_is_refused(body: Any) -> None:
    with pytest.raises(ValidationError):
        read(body)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ({"message_zh": "好", "message_en": "Good"}, ("好", "Good")),
        ({"message_zh": "好"}, ("好", "好")),
        ({"message_en": "Good"}, ("Good", "Good")),
        ({"message": "done"}, ("done", "done")),
        ({"message": "done", "message_zh": "好"}, ("好", "done")),
    ],
)
def test_a_seller_that_speaks_one_language_is_quoted_in_it(words: dict[str, str], shown: tuple[str, str]) -> None:
    assert read({"status": "progress", **words}).words == shown


@given(st.text(max_size=500))
def test_any_text_is_storable(text: str) -> None:
    try:
        found = read(json.dumps({"status": "progress", "message_zh": text}).encode())
    except ValidationError:
        return
    shown = found.message_zh or ""
    assert "\x00" not in shown
    shown.encode()
    # Stored as JSON and read again by the job that applies it.
    assert CallbackBody.model_validate(found.model_dump(mode="json")).words == found.words
