"""Which of the two languages a request wants: its `lang` query or cookie, else what its browser prefers, else Chinese."""

from __future__ import annotations

from typing import Any, Literal, get_args

from litestar import Request
from litestar.connection import ASGIConnection

COOKIE = "lang"


def language_of(connection: Request[Any, Any, Any] | ASGIConnection[Any, Any, Any, Any]) -> Language:
    """`zh-CN` or `en`."""
    asked = connection.query_params.get("lang") or connection.cookies.get(COOKIE)
    if asked:
        return "en" if str(asked).lower().startswith("en") else "zh-CN"
    return best_language(connection.headers.get("accept-language", ""))


Language = Literal["zh-CN", "en"]


LANGUAGES: tuple[Language, ...] = get_args(Language)


def best_language(accept_language: str) -> Language:
    """Choose from an ``Accept-Language`` header (RFC 9110 §12.5.4): Chinese for any zh, else English."""
    choices: list[tuple[float, Language]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";q=")
        language: Language | None = "zh-CN" if tag.lower().startswith("zh") else None
        if tag.lower().startswith("en"):
            language = "en"
        if language is not None:
            choices.append((_weight(weight), language))
    return max(choices, key=lambda choice: choice[0], default=(0.0, LANGUAGES[0]))[1]


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
