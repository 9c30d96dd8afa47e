"""Whether an address is one of our own pages: by scheme, host and port of BASE_URL, never by what the request calls us.

`Host` names no scheme, and whoever sends the request, or a proxy on its way, may write anything into it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from litestar.connection import ASGIConnection

from kernel.settings import Settings

DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK = ("localhost", "127.0.0.1", "::1")

Origin = tuple[str, str, int]
"""Scheme, host and port (RFC 6454 §4)."""


def is_own(connection: ASGIConnection[Any, Any, Any, Any], address: str) -> bool:
    """Whether `address`, an origin or a page, is of this service."""
    parts = _split(address)
    settings: Settings = connection.app.state["services"].settings
    # Without BASE_URL the address is only where we listen: on one's own machine that has several names.
    other_names = () if settings.base_url else LOOPBACK
    return parts is not None and _origin(parts) in _own_origins(settings.public_url, other_names)


def referring_path(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """Path and query of our own page that a request came from, None when it came from elsewhere or does not say."""
    referer = connection.headers.get("referer", "")
    parts = _split(referer)
    if parts is None or not is_own(connection, referer):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@lru_cache(maxsize=8)
def _own_origins(public_url: str, other_names: tuple[str, ...]) -> frozenset[Origin]:
    scheme, host, port = _origin(urlsplit(public_url)) or ("", "", 0)
    return frozenset((scheme, name, port) for name in (host, *other_names))


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _origin(parts: SplitResult) -> Origin | None:
    try:
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except (KeyError, ValueError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
