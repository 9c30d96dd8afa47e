"""What every request begins with and every answer carries: its id, a nonce, and headers that allow nothing inline.

One policy for every answer, set around the whole application and by pages themselves. What can be got can also be asked
for its head (RFC 9110 §9.3.2).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Services
from api.rate_limits import answer_headers
from billing.payment_methods.keep import keeper_of
from kernel.ids import uuid7

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+;=]*)(?::[0-9]*)?")
"""A host and perhaps a port (RFC 3986 §3.2.2), without the comma: it joins what came as two headers."""
HSTS = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


def frame_answers(services: Services, app: ASGIApp, refuse: ASGIApp) -> ASGIApp:
    """`app`, framed. Templates read the nonce from `scope["state"]["nonce"]`, logs and problems the request's id.

    `refuse` answers a request that does not say as it must whom it is for.
    Around the router, not behind it: what the router refuses by itself, as an unknown path, is an answer like any other.
    """
    payers = payer_origins(services)
    always = [HSTS] if services.settings.public_url.startswith("https://") else []

    async def framed(scope: Scope, receive: Receive, send: Send) -> None:
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
                present = {name.lower() for name, _ in message["headers"]}
                for name, value in (
                    *page_headers(nonce, payer_origins=payers).items(),
                    ("X-Request-Id", request_id),
                    *always,
                ):
                    if name.lower().encode() not in present:
                        headers.add(name, value)
                headers.update(answer_headers(state, message["status"]))
                if b"allow" in present:
                    headers["Allow"] = _with_head(headers["Allow"])
            await send(message)

        hosts = [value for name, value in scope["headers"] if name == b"host"]
        answering = app if _is_one_host(hosts, scope["http_version"]) else refuse
        if scope["method"] == "HEAD":
            await _answer_head(answering, scope, receive, send_with_headers)
        else:
            await answering(scope, receive, send_with_headers)

    return framed


def _is_one_host(hosts: list[bytes], http_version: str) -> bool:
    """Whether a request says as it must whom it is for (RFC 9112 §3.2): once and well formed; before HTTP/1.1 it need not."""
    if len(hosts) == 1:
        return _is_well_formed(hosts[0])
    return not hosts and http_version != "1.1"


@lru_cache(maxsize=64)
def _is_well_formed(host: bytes) -> bool:
    return _HOST.fullmatch(host) is not None


async def _answer_head(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """What GET would answer, without the body. Whoever streams is told that the reader left, as there is no end to wait for."""
    started = False

    async def receive_until_started() -> Any:
        return {"type": "http.disconnect"} if started else await receive()

    async def send_head(message: Message) -> None:
        nonlocal started
        if message["type"] == "http.response.start" and not started:
            started = True
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    # Ranges are defined for GET alone (RFC 9110 §14.2). A copy: the server goes by the method of its own scope.
    headers = [pair for pair in scope["headers"] if pair[0].lower() != b"range"]
    got = cast("Scope", {**scope, "method": "GET", "headers": headers})
    await app(got, receive_until_started, send_head)


def _with_head(allow: str) -> str:
    methods = {method.strip() for method in allow.split(",")}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


#: Content Security Policy Level 3: nothing is allowed but what is named; scripts only of ours and with the nonce.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'{media}; "
    "media-src 'self' blob:{media}{stream}; connect-src 'self'{stream}; font-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'{payers}; frame-ancestors 'none'"
)


def payer_origins(services: Services) -> tuple[str, ...]:
    """Where the gateways of this installation take payers to."""
    found: tuple[str, ...] = ()
    for name in services.gateways:
        keeper = keeper_of(services.gateways, name)
        found += keeper.payer_origins if keeper is not None else ()
    return found


def page_headers(
    nonce: str, media_origin: str = "", payer_origins: Sequence[str] = (), stream_origin: str = ""
) -> dict[str, str]:
    """Headers of an answer rendered with ``nonce``; ``media_origin`` is the object storage's origin when not ours.

    ``payer_origins``: where gateways take payers to, by the redirect that answers a form of ours.
    ``stream_origin``: whose live stream the page plays.
    """
    media, payers = f" {media_origin}" if media_origin else "", "".join(f" {one}" for one in payer_origins)
    stream = f" {stream_origin}" if stream_origin else ""
    return {
        "Content-Security-Policy": _POLICY.format(nonce=nonce, media=media, payers=payers, stream=stream),
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
