"""What is wrong with a field, in the reader's language. The libraries that read requests only say it in English."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

TEXTS = Path(__file__).parent / "texts" / "fields.toml"

_KINDS: tuple[tuple[str, str], ...] = (
    (r"Field required|missing required|Missing required", "required"),
    (r"Extra inputs are not permitted|contains unknown field", "unknown"),
    (r"String should have at most (\d+)|Expected `str` of length <= (\d+)", "too_long"),
    (r"String should have at least (\d+)|Expected `str` of length >= (\d+)", "too_short"),
    (r"should have at most (\d+)|of length <= (\d+)", "too_many"),
    (r"should have at least (\d+)|of length >= (\d+)", "too_few"),
    (r"less than or equal to (\S+)|Expected `\w+` <= (\S+)", "at_most"),
    (r"greater than or equal to (\S+)|Expected `\w+` >= (\S+)", "at_least"),
    (r"should be less than (\S+)|Expected `\w+` < (\S+)", "less"),
    (r"should be greater than (\S+)|Expected `\w+` > (\S+)", "more"),
    (r"UUID", "id"),
    (r"valid integer|Expected `int(?: \| null)?`", "whole_number"),
    (r"valid number|valid decimal|Expected `float", "number"),
    (r"valid boolean|Expected `bool", "yes_or_no"),
    (r"valid (?:date|time)|timezone|time zone|Expected `(?:date|time)|RFC3339|ISO8601", "time"),
    (r"valid URL|URL scheme", "address"),
    (r"valid (?:list|tuple|set)|Expected `array", "list"),
    (r"valid dictionary|instance of|Expected `object", "object"),
    (r"should match pattern|matching regex", "form"),
    (r"valid string|Expected `str(?: \| null)?`", "text"),
    (r"Input should be ('.*)", "one_of"),
)
_PATTERNS = tuple((re.compile(pattern), kind) for pattern, kind in _KINDS)


@cache
def texts() -> dict[str, dict[str, str]]:
    """Kind → language (`zh`, `en`) → sentence."""
    return tomllib.loads(TEXTS.read_text("utf-8"))


def field_message(said: str, language: str) -> str:
    """The sentence of ours for what a library `said`; a general one where its kind is not known."""
    kind, figure = "other", ""
    for pattern, name in _PATTERNS:
        if found := pattern.search(said):
            kind, figure = name, next((part for part in found.groups() if part), "")
            break
    is_chinese = language.startswith("zh")
    if kind == "one_of":
        figure = _choices(figure, is_chinese=is_chinese)
    return texts()[kind]["zh" if is_chinese else "en"].replace("{n}", figure)


def _choices(said: str, *, is_chinese: bool) -> str:
    """`'a', 'b' or 'c'` with the reader's own "or"."""
    return said.replace("'", "").replace(", ", "、").replace(" or ", " 或 ") if is_chinese else said.replace("'", "")
