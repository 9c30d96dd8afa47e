"""The error answer: problem details for programs, a page for people."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Request, Response
from litestar.concurrency import sync_to_thread
from litestar.exceptions import ClientException, HTTPException
from litestar.types import Receive, Scope, Send

from api.deferred import DeferredResponse
from api.pages.frame.errors import error_page
from api.problems import MEDIA_TYPE, headers_of, problem, to_domain_error, wants_page
from api.rate_limits import note_refusal
from api.request import ApiRequest


def answer_exception(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The error answer: problem details for programs, a page for people.

    A request that could not be read was refused before its caller was looked up; whoever may not ask is told that instead.
    """
    if isinstance(error, HTTPException) and isinstance(request, ApiRequest) and request.awaits_authorization:
        return DeferredResponse(partial(_answer_once_authorized, request, error))
    return _answer(request, error)


async def refuse_malformed(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request for which no route is looked up (RFC 9110 §15.5.1)."""
    request = ApiRequest(scope, receive, send)
    answer = _answer(request, ClientException())
    await answer.to_asgi_response(None, request, type_encoders=request.app.type_encoders)(scope, receive, send)


async def _answer_once_authorized(request: ApiRequest, error: Exception) -> Response[Any]:
    try:
        await sync_to_thread(request.authorize_apart)
    except Exception as refused:  # noqa: BLE001 - each is answered as any other
        error = refused
    return _answer(request, error)


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    domain_error, errors = to_domain_error(request, error)
    note_refusal(request, domain_error)
    body = problem(request, domain_error, errors)
    headers = headers_of(domain_error)
    if isinstance(error, HTTPException):
        headers |= error.headers or {}
    if "route_handler" in request.scope:
        headers |= request.scope["route_handler"].opt.get("answer_headers", {})
    if wants_page(request):
        return error_page(request, body, headers)
    return Response(body, status_code=domain_error.status, media_type=MEDIA_TYPE, headers=headers)
