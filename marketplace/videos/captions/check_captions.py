"""Captions as they are sent: read by a parser and written anew, so that nothing but times and words comes through. Pure."""

from __future__ import annotations

import html
import re
from typing import Final

from webvtt import Caption, WebVTT
from webvtt.errors import MalformedCaptionError, MalformedFileError

from kernel.errors import Invalid, TooLarge
from kernel.text import plain_text

LANGUAGES: Final = {
    "zh-CN": "简体中文",
    "zh-TW": "繁體中文",
    "en": "English",
    "ja": "日本語",
    "ko": "한국어",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "pt": "Português",
    "nl": "Nederlands",
    "pl": "Polski",
    "ru": "Русский",
    "ar": "العربية",
    "vi": "Tiếng Việt",
    "th": "ไทย",
    "id": "Bahasa Indonesia",
}
"""Languages of captions (BCP 47), each by its own name."""
MAX_BYTES = 400_000
"""Of a file: ten minutes, the longest video, need a tenth of it."""
MAX_CUES = 2_000
MAX_CUE_TEXT = 500
_TIMES: Final = re.compile(r"^[ \t]*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}[ \t]*-", re.MULTILINE)
"""What begins as the times of a caption do."""


def checked_language(language: str) -> str:
    """A language that captions may have. Raises Invalid(`caption_language_unknown`)."""
    if language not in LANGUAGES:
        raise Invalid("caption_language_unknown", field="language", known=", ".join(LANGUAGES))
    return language


def checked_captions(content: bytes, duration_ms: int | None) -> str:
    """The WebVTT of `content` with its times and words alone: no styles, regions, notes, places or marks.

    Raises:
        TooLarge: `captions_too_large`.
        Invalid: `captions_malformed`; `captions_empty`; `captions_too_many`; `caption_times`, `caption_too_long` and
            `caption_beyond_end`, with the `number` of the caption.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge("captions_too_large", limit_kb=MAX_BYTES // 1_000)
    try:
        text = content.decode("utf-8-sig").replace("\0", "\N{REPLACEMENT CHARACTER}")
        found = WebVTT.from_string(text, strict=True)
    except (UnicodeDecodeError, MalformedFileError, MalformedCaptionError) as error:
        raise Invalid("captions_malformed", field="content") from error
    # A parser passes over what it does not take for a caption: nobody is to miss one because of its times.
    if len(_TIMES.findall(text)) > len(found.captions):
        raise Invalid("captions_malformed", field="content")
    if len(found.captions) > MAX_CUES:
        raise Invalid("captions_too_many", field="content", most=MAX_CUES)
    blocks, last_ms = ["WEBVTT"], 0
    for number, caption in enumerate(found.captions, 1):
        start_ms, end_ms = caption.start_time.in_milliseconds(), caption.end_time.in_milliseconds()
        if not last_ms <= start_ms < end_ms:
            raise Invalid("caption_times", field="content", number=number)
        if duration_ms is not None and start_ms >= duration_ms:
            raise Invalid("caption_beyond_end", field="content", number=number)
        last_ms, words = start_ms, _words(caption, number)
        if words:
            blocks.append(f"{caption.start} --> {caption.end}\n{html.escape(words, quote=False)}")
    if len(blocks) == 1:
        raise Invalid("captions_empty", field="content")
    return "\n\n".join(blocks) + "\n"


def _words(caption: Caption, number: int) -> str:
    lines = plain_text(html.unescape(caption.text), multiline=True).splitlines()
    words = "\n".join(line.strip() for line in lines if line.strip())
    if len(words) > MAX_CUE_TEXT:
        raise Invalid("caption_too_long", field="content", number=number, limit=MAX_CUE_TEXT)
    return words
