"""Captions: what is no WebVTT is refused with the place of the mistake; of the rest, times and words alone come through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import DomainError, Invalid, TooLarge
from marketplace.videos.captions.check_captions import (
    LANGUAGES,
    MAX_BYTES,
    MAX_CUE_TEXT,
    MAX_CUES,
    checked_captions,
    checked_language,
)

PLAIN = "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nOne screen for everybody.\n"


def file(*cues: str) -> bytes:
    return "\n\n".join(["WEBVTT", *cues]).encode()


def test_times_and_words_come_through_and_nothing_else() -> None:
    sent = (
        "\ufeffWEBVTT Kind: captions\r\nLanguage: en\r\n\r\nSTYLE\r\n::cue { background: url(https://else.example/x) }\r\n\r\n"
        "REGION\r\nid:fred\r\n\r\nNOTE somebody's remark\r\n\r\n"
        "intro\r\n00:01.000 --> 00:04.000 line:0 align:start\r\n<v Wang><b>One</b> screen &amp; <i>everybody</i>\r\n2 < 3\r\n"
    )
    assert checked_captions(sent.encode(), 14_000) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nOne screen &amp; everybody\n2 &lt; 3\n"
    )


def test_what_was_written_is_read_as_the_same_again() -> None:
    once = checked_captions(PLAIN.encode(), None)
    assert once == PLAIN
    assert checked_captions(once.encode(), None) == once


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "captions_malformed"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nSubRip\n", "captions_malformed"),
        ("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nGr\u00fc\u00dfe\n".encode("utf-16"), "captions_malformed"),
        (b"WEBVTT\n\n\xff\xfe\n", "captions_malformed"),
        (file("00:00:01.000 -> 00:00:02.000\nx"), "captions_malformed"),
        (b"WEBVTT\n", "captions_empty"),
        (file("00:00:01.000 --> 00:00:02.000\n<b></b>"), "captions_empty"),
        (file("00:00:02.000 --> 00:00:02.000\nx"), "caption_times"),
        (file("00:00:05.000 --> 00:00:06.000\nx", "00:00:04.000 --> 00:00:06.000\ny"), "caption_times"),
        (file("00:00:14.000 --> 00:00:15.000\nx"), "caption_beyond_end"),
        (file("00:00:01.000 --> 00:00:02.000\n" + "x" * (MAX_CUE_TEXT + 1)), "caption_too_long"),
        (file(*["00:00:01.000 --> 00:00:02.000\nx"] * (MAX_CUES + 1)), "captions_too_many"),
    ],
)
def test_what_is_wrong_is_named(content: bytes, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        checked_captions(content, 14_000)


def test_the_mistake_is_named_by_the_number_of_its_caption() -> None:
    with pytest.raises(Invalid) as refused:
        checked_captions(file("00:00:01.000 --> 00:00:02.000\nx", "00:00:03.000 --> 00:00:02.000\ny"), None)
    assert refused.value.params["number"] == 2


def test_a_file_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(TooLarge, match="captions_too_large"):
        checked_captions(b"x" * (MAX_BYTES + 1), None)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"WEBVTT\n\n{text}".encode("utf-8", "ignore")))
def test_whatever_is_sent_is_refused_by_a_code_of_ours_or_read(content: bytes) -> None:
    try:
        written = checked_captions(content, 60_000)
    except DomainError:
        return
    assert written.startswith("WEBVTT\n\n")
    assert "<" not in written


def test_a_language_is_one_of_those_there_are() -> None:
    assert checked_language("zh-CN") == "zh-CN"
    assert {"zh-CN", "en"} <= set(LANGUAGES)
    with pytest.raises(Invalid, match="caption_language_unknown"):
        checked_language("../../etc")
