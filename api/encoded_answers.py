"""Answers in fewer bytes: which encoding a client takes (RFC 9110 §12.5.3), and text encoded on its way out.

Only whole bodies of text are encoded. What streams, media, documents and archives go out as they are, and so do answers
to ranges. What is kept in memory is kept encoded, too (`api/answer_cache.py`, `api/pages/frame/assets.py`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, cast

import brotli
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

Encoding = Literal["br", "gzip"]
Effort = Literal["once", "kept", "static"]

PREFERRED: tuple[Encoding, ...] = ("br", "gzip")
"""Best first, among those a client weighs alike."""
LEVELS: Mapping[Effort, Mapping[Encoding, int]] = {
    "once": {"br": 4, "gzip": 3},
    "kept": {"br": 5, "gzip": 6},
    "static": {"br": 11, "gzip": 9},
}
"""How hard to try: a third of a millisecond for an answer that is sent once, seventy for what a process makes once."""
LEAST_BYTES = 1_000
"""Below it nothing is won: the answer fits one packet anyway."""
TEXT = frozenset(
    {
        b"application/json",
        b"application/problem+json",
        b"image/svg+xml",
        b"text/css",
        b"text/html",
        b"text/javascript",
    }
)
VARY = (b"vary", b"Accept-Encoding")
_LONGEST_HEADER = 256
_GZIP_CONTAINER = 31
_ALIASES = {"x-gzip": "gzip"}
_WHOLE = frozenset(range(200, 600)) - {204, 205, 206, 304}


def encode(body: bytes, encoding: Encoding, effort: Effort) -> bytes:
    """`body`, the same bytes each time."""
    level = LEVELS[effort][encoding]
    if encoding == "br":
        return cast("bytes", brotli.compress(body, quality=level))
    return zlib.compress(body, level, _GZIP_CONTAINER)


def requested_encoding(headers: Iterable[tuple[bytes, bytes]]) -> Encoding | None:
    """As `preferred_encoding`, of a request's raw headers."""
    sent = [value for name, value in headers if name == b"accept-encoding"]
    return preferred_encoding(b",".join(sent).decode("latin-1")) if sent else None


@lru_cache(maxsize=256)
def preferred_encoding(header: str) -> Encoding | None:
    """The encoding of ours that an Accept-Encoding weighs most, None when none is taken or plain bytes are preferred."""
    if len(header) > _LONGEST_HEADER:
        return None
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, parameter = part.partition(";")
        weights.setdefault(_ALIASES.get(name.strip(), name.strip()), _weight(parameter))
    others = weights.get("*", 0.0)
    best = max(PREFERRED, key=lambda encoding: weights.get(encoding, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def encode_answers(app: ASGIApp) -> ASGIApp:
    """`app`, whose answers go out as each client takes them. Costs a client that takes none a look at its headers."""

    async def encoding(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        wanted = requested_encoding(scope["headers"])
        waiting: Any = None

        async def send_encoded(message: Any) -> None:
            nonlocal waiting
            if message["type"] == "http.response.start" and _is_text(message):
                message["headers"] = [*message["headers"], VARY]
                if wanted is not None and message["status"] in _WHOLE and _header(message, b"content-encoding") is None:
                    waiting = message
                    return
            elif waiting is not None and wanted is not None:
                start, waiting = waiting, None
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    message["body"] = _encode_whole(start, message["body"], wanted)
                await send(start)
            await send(message)

        await app(scope, receive, send_encoded)

    return encoding


def _encode_whole(start: Any, body: bytes, encoding: Encoding) -> bytes:
    if len(body) < LEAST_BYTES:
        return body
    encoded = encode(body, encoding, "once")
    headers = []
    for name, value in start["headers"]:
        lower = name.lower()
        if lower == b"etag" and not value.startswith(b"W/"):
            # The same answer in other bytes (RFC 9110 §8.8.1).
            headers.append((name, b"W/" + value))
        elif lower != b"content-length":
            headers.append((name, value))
    start["headers"] = [
        *headers,
        (b"content-length", str(len(encoded)).encode()),
        (b"content-encoding", encoding.encode()),
    ]
    return encoded


def _is_text(start: Any) -> bool:
    found = _header(start, b"content-type")
    return found is not None and found.partition(b";")[0].strip().lower() in TEXT


def _header(start: Any, name: bytes) -> bytes | None:
    for key, value in start["headers"]:
        if key.lower() == name:
            return cast("bytes", value)
    return None


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if not name.strip():
        return 1.0
    try:
        weight = float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
