"""A browser in which an account has signed in before, by a signed cookie: who guesses elsewhere cannot lock its owner out of it.

The cookie opens nothing: the password is asked as ever. It only says against what an attempt counts
(`marketplace/access/sign_in_limits.py`). It outlives signing out, which is what it is for, and is bound to the account.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from litestar.datastructures import Cookie

from api.context import Services
from api.request import ApiRequest
from kernel import clock
from kernel.signing import BadToken

LASTS = timedelta(days=400)
"""The longest that browsers keep a cookie (RFC 6265bis §5.5)."""
PURPOSE = "known_device"


def known_device(request: ApiRequest, email: str) -> str | None:
    """The id of this device, when the account has signed in from it before."""
    account = _account(email)
    token = request.cookies.get(_name(request.services, account))
    if not token:
        return None
    try:
        claims = request.services.signer.open_token(PURPOSE, token)
    except BadToken:
        return None
    return str(claims["device"]) if claims["account"] == account else None


def device_cookie(services: Services, email: str, device_id: str | None) -> Cookie:
    """Know this device from now on: by the id that it has, or a new one."""
    account = _account(email)
    claims = {"account": account, "device": device_id or secrets.token_urlsafe(16)}
    return Cookie(
        key=_name(services, account),
        value=services.signer.sign_token(PURPOSE, claims, clock.now() + LASTS),
        httponly=True,
        secure=_is_https(services),
        # Sent when signing in from our own page, which is the only time that it is read.
        samesite="strict",
        path="/",
        max_age=int(LASTS.total_seconds()),
    )


def _name(services: Services, account: str) -> str:
    """One cookie an account: colleagues who share a browser are each known in it."""
    return f"{'__Host-' if _is_https(services) else ''}device-{account[:16]}"


def _account(email: str) -> str:
    return hashlib.sha256(f"device:{email.strip().lower()}".encode("utf-8", "surrogatepass")).hexdigest()


def _is_https(services: Services) -> bool:
    return services.settings.public_url.startswith("https://")
