"""What somebody types into a search, as a question to the index. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace.search_index.segment import Word, query_words, readings, spellings

MOST_WORDS = 8
_PREFIX_FROM = 2


def exact_query(text: str, *, mark: str = "") -> str:
    """Every word is there, or in Latin letters begins one that is: as a tsquery, empty where there is no word at all.

    `mark`: what the lexemes asked for begin with, such as `IN_NAME`.
    """
    words = query_words(text, MOST_WORDS)
    return _or_joined(words, " & ".join(_exact(word, mark) for word in words), mark)


def containing_query(text: str) -> str:
    """As `exact_query`; of a Chinese word all its characters will do, as a text is not always cut where a reader would."""
    words = query_words(text, MOST_WORDS)
    return _or_joined(words, " & ".join(_containing(word) for word in words))


def similar_query(text: str) -> str:
    """Every word is there, or one that sounds like it, is one typing mistake away, or is made of the same characters."""
    words = query_words(text, MOST_WORDS)
    return _or_joined(words, " & ".join(f"({' | '.join(_similar(word))})" for word in words))


def _or_joined(words: Sequence[Word], asked: str, mark: str = "") -> str:
    """Latin words may be one: zhao pin, data base."""
    if len(words) < 2 or any(word.is_chinese for word in words):
        return asked
    return f"{asked} | {_prefix(''.join(word.text for word in words), mark)}"


def _exact(word: Word, mark: str = "") -> str:
    return f"'{mark}{word.text}'" if word.is_chinese else _prefix(word.text, mark)


def _containing(word: Word) -> str:
    if not word.is_chinese:
        return _exact(word)
    return f"({_exact(word)} | ({_signs(word)}))"


def _signs(word: Word) -> str:
    return " & ".join(f"'{sign}'" for sign in word.text)


def _prefix(text: str, mark: str) -> str:
    return f"'{mark}{text}':*" if len(text) >= _PREFIX_FROM else f"'{mark}{text}'"


def _similar(word: Word) -> list[str]:
    found = [_exact(word)]
    if word.is_chinese:
        found.append(f"({_signs(word)})")
    for sound in readings(word.text)[:1] if word.is_chinese else (word.text,):
        found += [f"'{sound}'", *(f"'~{one}'" for one in sorted(spellings(sound)))]
    return found
