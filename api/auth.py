"""Authentication at the edge, and the guard that every route passes.

A browser carries a session cookie, a program an API key as bearer token. An unsafe request with a cookie must also prove
that it comes from our own pages: `Sec-Fetch-Site`, a matching `Origin`, or the session's CSRF token. One without a cookie
is refused when the browser says that another site sent it: signing somebody in as somebody else is a forgery, too.
"""

from __future__ import annotations

import hmac
from typing import Any

import structlog
from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers.base import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.errors import Forbidden, Unauthenticated
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS, SYSTEM, Kind, Principal
from marketplace.people.authenticate import SignedIn, principal_for_api_key, principal_for_session

COOKIE = "session"
SECURE_COOKIE = "__Host-session"
"""The name over HTTPS: the prefix makes browsers refuse it from a sibling domain (RFC 6265bis §4.1.3.2)."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PUBLIC = "public"
SIGNED_IN = "signed_in"


def authentication(services: Services) -> Any:
    """The middleware that resolves who asks, before any handler runs."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                state = scope.setdefault("state", {})
                state["request_id"] = str(uuid7())
                structlog.contextvars.clear_contextvars()
                structlog.contextvars.bind_contextvars(request_id=state["request_id"])
                principal, signed_in = await _resolve(services, Request(scope))
                state["principal"], state["signed_in"] = principal, signed_in
                if principal.org_id is not None:
                    structlog.contextvars.bind_contextvars(organization_id=str(principal.org_id))
            await app(scope, receive, send)

        return middleware

    return wrap


async def _resolve(services: Services, request: Request[Any, Any, Any]) -> tuple[Principal, SignedIn | None]:
    bearer = request.headers.get("authorization", "")
    token = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)
    if bearer.lower().startswith("bearer "):
        principal = await sync_to_thread(_by_key, services, bearer[7:].strip())
        return principal or ANONYMOUS, None
    if token:
        signed_in = await sync_to_thread(_by_session, services, token)
        if signed_in is not None:
            return signed_in.principal, signed_in
    return ANONYMOUS, None


def _by_key(services: Services, key: str) -> Principal | None:
    with unit_of_work(services.db, SYSTEM) as uow:
        return principal_for_api_key(uow, key)


def _by_session(services: Services, token: str) -> SignedIn | None:
    with unit_of_work(services.db, SYSTEM) as uow:
        return principal_for_session(uow, token)


def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse what the route's declared permission does not allow. Deny by default.

    Raises:
        Unauthenticated: `sign_in_required`.
        Forbidden: `permission_missing` in one's own organization, `csrf_refused` for a forged request.
    """
    permission = handler.opt["permission"]
    principal: Principal = connection.scope["state"]["principal"]
    if connection.scope.get("method") not in SAFE and _is_forged(connection, principal):
        raise Forbidden("csrf_refused")
    if permission == PUBLIC:
        return
    if principal.kind is Kind.ANONYMOUS:
        raise Unauthenticated("sign_in_required")
    if permission != SIGNED_IN:
        principal.require(permission)


def _is_forged(connection: ASGIConnection[Any, Any, Any, Any], principal: Principal) -> bool:
    signed_in: SignedIn | None = connection.scope["state"]["signed_in"]
    if signed_in is not None:
        return not _same_site(connection, signed_in)
    sender = connection.headers.get("sec-fetch-site", "none")
    return principal.kind is Kind.ANONYMOUS and sender not in {"none", "same-origin"}


def _same_site(connection: ASGIConnection[Any, Any, Any, Any], signed_in: SignedIn) -> bool:
    token = connection.headers.get("x-csrf-token")
    if token is not None:
        # As bytes: of text, compare_digest takes ASCII only, and a header may hold anything.
        return hmac.compare_digest(token.encode(), signed_in.csrf.encode())
    fetch_site = connection.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site == "same-origin"
    origin = connection.headers.get("origin")
    return origin is not None and origin.split("://", 1)[-1] == connection.headers.get("host")


def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """Dependency `principal`."""
    found: Principal = request.scope["state"]["principal"]
    return found


def provide_signed_in(request: Request[Any, Any, Any]) -> SignedIn | None:
    """Dependency `signed_in`: the person and the organizations to switch to, None for keys and anonymous."""
    found: SignedIn | None = request.scope["state"]["signed_in"]
    return found
