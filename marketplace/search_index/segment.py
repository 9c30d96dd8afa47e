"""Words of Chinese and English text, as they are indexed, searched for and marked in what was found.

Chinese is cut into words by jieba's dictionary and read in pinyin, so that 招聘 is found in 招聘专业版, and by zhaopin or zp.
The dictionaries take tens of megabytes: they are loaded when the first text is cut, never by importing this module.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

VERSION = 2
"""Grows with everything that changes what is indexed of the same text; entries of an older one are written anew."""
IN_NAME = "^"
"""Marks a word that stands in a name, so that names alone can be asked for: the index knows lexemes and not their weights."""
SPELLED_FROM = 4
"""Letters from which on a word is also found when one of them is wrong, missing, added or swapped with the next."""
_SPELLED_TO = 16
_MOST_WORDS = 600
"""Of one text: what follows is not indexed, so that an entry stays small."""
_LONGEST = 40
_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002fa1f]+|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002fa1f]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word at its place in a text, from `start` up to `end`; `text` is its form for comparison."""

    text: str
    start: int
    end: int

    @property
    def is_chinese(self) -> bool:
        """Whether it is written in Chinese characters."""
        return _HAN.match(self.text) is not None


def words_of(text: str) -> Iterator[Word]:
    """The words of a text in their order; a long Chinese word is followed by the shorter ones in it."""
    plain = normalized(text)
    for run in _RUN.finditer(plain):
        if _HAN.match(run.group()):
            for part, start, end in _jieba().tokenize(run.group(), "search"):
                yield Word(part, run.start() + start, run.start() + end)
        else:
            yield Word(run.group()[:_LONGEST], run.start(), run.end())


def query_words(text: str, most: int) -> list[Word]:
    """The words that are searched for: the longest ones, none of them inside another, each once."""
    plain = normalized(text)
    found: dict[str, Word] = {}
    for run in _RUN.finditer(plain):
        if _HAN.match(run.group()):
            parts = [
                Word(part, run.start() + at, run.start() + end) for part, at, end in _jieba().tokenize(run.group())
            ]
        else:
            parts = [Word(run.group()[:_LONGEST], run.start(), run.end())]
        for part in parts:
            found.setdefault(part.text, part)
    return list(found.values())[:most]


def normalized(text: str) -> str:
    """Full-width forms and capitals made plain, each character in its place."""
    return "".join(_plain(sign) for sign in text)


@lru_cache(maxsize=20_000)
def readings(word: str) -> tuple[str, ...]:
    """How a Chinese word is typed in Latin letters: its pinyin, and its initials where it has more than one character."""
    syllables: Sequence[str] = _pinyin()(word, errors="ignore")
    whole = "".join(syllables)
    if not whole:
        return ()
    return (whole, "".join(one[0] for one in syllables)) if len(syllables) > 1 else (whole,)


def spellings(word: str) -> frozenset[str]:
    """The word, and it without each of its letters: two words one typing mistake apart have one of them in common."""
    if not SPELLED_FROM <= len(word) <= _SPELLED_TO:
        return frozenset()
    return frozenset({word, *(word[:place] + word[place + 1 :] for place in range(len(word)))})


def lexemes(text: str, *, spelled: bool = False) -> list[set[str]]:
    """What is indexed of a text, word by word: the word, its readings, its characters; `spelled`: its spellings, marked ~."""
    found: list[set[str]] = []
    words = list(words_of(text))[:_MOST_WORDS]
    for word in words:
        forms = {word.text}
        if word.is_chinese:
            forms |= {*readings(word.text), *word.text}
        if spelled:
            whole = readings(word.text)[:1] if word.is_chinese else (word.text,)
            forms |= {f"~{spelling}" for one in whole for spelling in spellings(one)}
        found.append(forms)
    if spelled:
        # A name is also typed as a whole: zhaopinzhuanyeban, recruitingpro.
        found += [{one for one in _joined(words) if 0 < len(one) <= _LONGEST}]
    return found


def _joined(words: Sequence[Word]) -> set[str]:
    outer = [word for word in words if not any(_within(word, other) for other in words)]
    sounds = [readings(word.text)[:1] or (word.text,) if word.is_chinese else (word.text,) for word in outer]
    found = {"".join(one for sound in sounds for one in sound)}
    return found | {first[0] + second[0] for first, second in pairwise(sounds)}


def _within(word: Word, other: Word) -> bool:
    return word is not other and other.start <= word.start and word.end <= other.end


def _plain(sign: str) -> str:
    form = unicodedata.normalize("NFKC", sign).lower()
    return form if len(form) == 1 else sign


@cache
def _jieba() -> Any:
    from rjieba import Jieba  # noqa: PLC0415 - 35 MB, for processes that cut text alone

    return Jieba()


@cache
def _pinyin() -> Any:
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - 60 MB, for processes that read Chinese alone

    return lazy_pinyin
