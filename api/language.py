"""Which of the two languages a request wants: its `lang` query or cookie, else what its browser prefers, else Chinese."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection

from api.pages.wording import Language, best_language

COOKIE = "lang"


def language_of(connection: Request[Any, Any, Any] | ASGIConnection[Any, Any, Any, Any]) -> Language:
    """`zh-CN` or `en`."""
    asked = connection.query_params.get("lang") or connection.cookies.get(COOKIE)
    if asked:
        return "en" if str(asked).lower().startswith("en") else "zh-CN"
    return best_language(connection.headers.get("accept-language", ""))
