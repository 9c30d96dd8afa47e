"""Which of the two languages a request wants: its `lang` query or cookie, else what its browser prefers, else Chinese."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection

LANGUAGES = ("zh-CN", "en")


def language_of(connection: Request[Any, Any, Any] | ASGIConnection[Any, Any, Any, Any]) -> str:
    """`zh-CN` or `en`."""
    asked = connection.query_params.get("lang") or connection.cookies.get("lang") or ""
    if asked:
        return "en" if str(asked).lower().startswith("en") else "zh-CN"
    for part in connection.headers.get("accept-language", "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return "zh-CN"
