"""What every request begins with and every answer carries: its id, a nonce, and headers that allow nothing inline.

One policy for every answer, set by the middleware and by pages themselves.
"""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Services
from kernel.ids import uuid7

HSTS = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


def frame_answers(services: Services) -> Any:
    """The one middleware. Templates read the nonce from `scope["state"]["nonce"]`, logs and problems the request's id."""
    always = [HSTS] if services.settings.public_url.startswith("https://") else []

    def wrap(app: ASGIApp) -> ASGIApp:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            state = scope.setdefault("state", {})
            state["nonce"] = nonce = secrets.token_urlsafe(16)
            state["request_id"] = request_id = str(uuid7())
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(request_id=request_id)

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = MutableScopeHeaders.from_message(message)
                    present = {name for name, _ in message["headers"]}
                    for name, value in (*page_headers(nonce).items(), ("X-Request-Id", request_id), *always):
                        if name.lower().encode() not in present:
                            headers.add(name, value)
                await send(message)

            await app(scope, receive, send_with_headers)

        return middleware

    return wrap


#: Content Security Policy Level 3: nothing is allowed but what is named; scripts only of ours and with the nonce.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'{media}; "
    "media-src 'self' blob:{media}; connect-src 'self'; font-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def page_headers(nonce: str, media_origin: str = "") -> dict[str, str]:
    """Headers of an answer rendered with ``nonce``; ``media_origin`` is the object storage's origin when not ours."""
    return {
        "Content-Security-Policy": _POLICY.format(nonce=nonce, media=f" {media_origin}" if media_origin else ""),
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
