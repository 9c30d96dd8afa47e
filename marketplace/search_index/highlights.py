"""Which parts of a text a search was for, to be marked where the text is shown."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace.search_index.query import MOST_WORDS
from marketplace.search_index.segment import Word, query_words, readings, spellings, words_of

Range = tuple[int, int]
"""Characters of a text: the first, and the one after the last."""


def highlights(text: str, query: str) -> list[Range]:
    """The parts of `text` that the words of `query` found, in their order, none of them overlapping."""
    wanted = query_words(query, MOST_WORDS)
    found = sorted((word.start, word.end) for word in words_of(text) if any(_is_meant(word, one) for one in wanted))
    return _merged(found)


def _is_meant(word: Word, wanted: Word) -> bool:
    if word.text == wanted.text:
        return True
    if word.is_chinese and wanted.is_chinese:
        return word.text in wanted.text or readings(word.text)[:1] == readings(wanted.text)[:1]
    sounds = readings(word.text) if word.is_chinese else (word.text,)
    typed = readings(wanted.text)[:1] if wanted.is_chinese else (wanted.text,)
    return any(sound.startswith(one) or bool(spellings(sound) & spellings(one)) for sound in sounds for one in typed)


def _merged(ranges: Sequence[Range]) -> list[Range]:
    found: list[Range] = []
    for start, end in ranges:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
