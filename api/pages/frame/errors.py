"""The page for what went wrong: what happened, what is safe, what to do."""

from __future__ import annotations

import secrets
from typing import Any

from litestar import MediaType, Request, Response

from api.auth import LEFT, PUBLIC, SAFE, Caller
from api.csrf import cover_token, page_token
from api.headers import page_headers
from api.language import language_of
from api.origin import referring_path
from api.pages.frame import addresses
from api.pages.frame.error_view import ErrorView
from api.pages.frame.rendering import Chrome, render
from api.pages.frame.site import local_path, redirect
from api.schema import ProblemOut

UNAUTHENTICATED = 401
UNSAVED = "unsaved"
"""In an address: what was sent from there came after the session had ended (`static/dashboard.js`)."""


def error_page(request: Request[Any, Any, Any], body: ProblemOut, headers: dict[str, str]) -> Response[Any]:
    """The error answer for a person. Whoever is not signed in is sent to sign in and comes back afterwards; whose organization
    is theirs no more is told so first.

    Nothing is read from the database here: the page must work when that is what failed.
    """
    if body.status == UNAUTHENTICATED:
        return redirect(_sign_in(request))
    if body.code == LEFT and request.scope.get("method") in SAFE:
        return redirect(addresses.ORGANIZATION_LEFT)
    state = request.scope.get("state", {})
    caller: Caller | None = state.get("caller")
    signed_in = caller.signed_in if caller else None
    nonce = state.get("nonce") or secrets.token_urlsafe(16)
    view = ErrorView(
        status=body.status,
        code=body.code,
        what=body.title,
        safe=body.safe,
        todo=body.todo,
        request_id=body.request_id,
        back_path=_back(request),
    )
    services = request.app.state.get("services")
    chrome = Chrome(
        language=language_of(request),
        nonce=nonce,
        csrf=cover_token(page_token(signed_in.csrf, signed_in.organization.org_id)) if signed_in else "",
        path=_address(request),
        sandbox=services is None or services.sandbox,
        person=signed_in.person_name if signed_in else None,
    )
    return Response(
        render(view, chrome),
        status_code=body.status,
        media_type=MediaType.HTML,
        headers={**page_headers(nonce), **headers},
    )


def _sign_in(request: Request[Any, Any, Any]) -> str:
    """Where to sign in, and come back from. What a form sent was not saved: that is said there, and the page finds it again."""
    handler = request.scope.get("route_handler")
    is_form = (
        request.scope.get("method") not in SAFE and handler is not None and handler.opt.get("permission") != PUBLIC
    )
    if not is_form:
        return addresses.with_query(addresses.SIGN_IN, next=_address(request))
    path, _, query = local_path(referring_path(request) or "/").partition("?")
    back = f"{path}?{query}&{UNSAVED}=1" if query else f"{path}?{UNSAVED}=1"
    return addresses.with_query(addresses.SIGN_IN, next=back, **{UNSAVED: "1"})


def _address(request: Request[Any, Any, Any]) -> str:
    if request.scope.get("method") != "GET":
        return _back(request)
    query = request.scope.get("query_string", b"").decode("ascii", "ignore")
    path: str = request.scope["path"]
    return local_path(f"{path}?{query}" if query else path)


def _back(request: Request[Any, Any, Any]) -> str:
    path = local_path(referring_path(request) or "/")
    return "/" if path == request.scope["path"] else path
