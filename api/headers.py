"""Security headers on every answer: nothing inline, nothing from elsewhere, nobody frames us."""

from __future__ import annotations

import secrets
from typing import Any

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Services
from api.pages.security import page_headers


def security_headers(services: Services) -> Any:
    """The middleware; templates read the nonce from `scope["state"]["nonce"]`."""
    https = services.settings.public_url.startswith("https://")

    def wrap(app: ASGIApp) -> ASGIApp:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            nonce = secrets.token_urlsafe(16)
            scope.setdefault("state", {})["nonce"] = nonce

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = MutableScopeHeaders.from_message(message)
                    for name, value in page_headers(nonce).items():
                        headers.setdefault(name, value)
                    headers.setdefault("X-Request-Id", str(scope["state"].get("request_id", "")))
                    if https:
                        headers.setdefault("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
                await send(message)

            await app(scope, receive, send_with_headers)

        return middleware

    return wrap
