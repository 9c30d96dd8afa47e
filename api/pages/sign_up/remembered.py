"""Where whoever signs up was going: remembered by the browser while the account is made."""

from __future__ import annotations

from datetime import timedelta

from litestar import Response
from litestar.datastructures import Cookie

from api.context import Services
from api.pages.frame.site import PageRequest
from kernel import clock
from kernel.signing import BadToken

COOKIE = "going_to"
_PURPOSE = "going_to"
_LASTS = timedelta(days=2)
"""Mails with a code may be read the next day."""


def remember(services: Services, path: str) -> Cookie:
    """A cookie that brings whoever signs up with this browser to a local path of ours; nobody else can write it."""
    token = services.signer.sign_token(_PURPOSE, {"path": path}, clock.now() + _LASTS)
    https = services.settings.public_url.startswith("https://")
    seconds = int(_LASTS.total_seconds())
    return Cookie(COOKIE, value=token, path="/", httponly=True, secure=https, samesite="lax", max_age=seconds)


def remembered(page_request: PageRequest) -> str | None:
    """The path that was remembered, unless it is too long ago."""
    token = page_request.request.cookies.get(COOKIE)
    if not token:
        return None
    try:
        return str(page_request.services.signer.open_token(_PURPOSE, token).get("path") or "") or None
    except (BadToken, ValueError):
        return None


def keep_link(page_request: PageRequest, answer: Response[str], followed: Cookie | None, path: str) -> None:
    """Keep the share link that a visitor followed to `path`: whoever signs up for it comes back to it."""
    if followed is None:
        return
    answer.set_cookie(followed)
    if remembered(page_request) is None:
        answer.set_cookie(remember(page_request.services, path))


def forgotten() -> Cookie:
    """The cookie taken back."""
    return Cookie(COOKIE, value="", path="/", httponly=True, samesite="lax", max_age=0)
