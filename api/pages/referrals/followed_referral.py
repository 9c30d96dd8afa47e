"""A referral link that a visitor followed: remembered by the browser until they sign up. The first one counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from litestar.datastructures import Cookie

from api.request import ApiRequest
from kernel import clock
from kernel.signing import BadToken

COOKIE: Final = "referral"
_PURPOSE: Final = "referral"
LASTS: Final = timedelta(days=30)


def remember_referral(request: ApiRequest, code: str) -> Cookie | None:
    """The cookie that remembers it; None where another link is remembered: whoever came first has brought them."""
    if referral_code(request):
        return None
    services = request.services
    token = services.signer.sign_token(_PURPOSE, {"code": code}, clock.now() + LASTS)
    https = services.settings.public_url.startswith("https://")
    seconds = int(LASTS.total_seconds())
    return Cookie(COOKIE, value=token, path="/", httponly=True, secure=https, samesite="lax", max_age=seconds)


def referral_code(request: ApiRequest) -> str:
    """The code of the link that was followed first; empty where none was, or too long ago."""
    token = request.cookies.get(COOKIE)
    if not token:
        return ""
    try:
        return str(request.services.signer.open_token(_PURPOSE, token).get("code") or "")
    except (BadToken, ValueError):
        return ""


def forgotten_referral() -> Cookie:
    """The cookie taken back."""
    return Cookie(COOKIE, value="", path="/", httponly=True, samesite="lax", max_age=0)
