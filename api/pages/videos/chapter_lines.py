"""Chapters as lines that a person types: `0:42 价格 | Pricing`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kernel.errors import Invalid
from marketplace.videos.set_chapters import Chapter

_LINE = re.compile(r"(?:(\d{1,2})[:：])?(\d{1,4})[:：]([0-5\uff10-\uff15]\d)(?:\.(\d{1,3}))?[\s\u3000]+(\S.*)")
"""Digits of any script are digits, as full-width ones that a Chinese keyboard types."""


def read_chapters(text: str) -> list[Chapter]:
    """The chapters on the lines of `text`, empty ones aside. Raises Invalid(`chapter_unreadable`) with the line's number."""
    found: list[Chapter] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _LINE.fullmatch(line)
        titles = [part.strip() for part in match[5].split("|")] if match else []
        if match is None or len(titles) > 2:
            raise Invalid("chapter_unreadable", field="chapters", number=len(found) + 1)
        hours, minutes, seconds = (int(part or 0) for part in match.group(1, 2, 3))
        at_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((match[4] or "0").ljust(3, "0"))
        found.append(Chapter(at_ms, *titles))
    return found


def write_chapters(chapters: Iterable[Chapter]) -> str:
    """The lines that `read_chapters` reads as these."""
    return "\n".join(map(_line, chapters))


def _line(chapter: Chapter) -> str:
    seconds, rest_ms = divmod(chapter.at_ms, 1000)
    minutes, rest_s = divmod(seconds, 60)
    at = f"{minutes}:{rest_s:02d}" + (f".{rest_ms:03d}" if rest_ms else "")
    words = chapter.title if chapter.title_en == chapter.title else f"{chapter.title} | {chapter.title_en}"
    return f"{at} {words}"
