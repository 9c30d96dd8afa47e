"""Problem details (RFC 9457): a stable code, and in the reader's language what happened, what is safe, what to do."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import DBAPIError, OperationalError

from api.language import language_of
from api.pages.errors import error_page
from kernel.errors import DomainError, Invalid, Unavailable

log = structlog.get_logger(__name__)

TEXTS = Path(__file__).parent / "texts" / "errors"
MEDIA_TYPE = "application/problem+json"

HTTP_CODES = {
    400: "request_malformed",
    401: "sign_in_required",
    403: "permission_missing",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "media_type_unsupported",
    422: "validation_failed",
    429: "too_many_requests",
    500: "internal_error",
    503: "temporarily_unavailable",
}


@cache
def texts() -> dict[str, dict[str, dict[str, str]]]:
    """Every error's words: code → language (`zh`, `en`) → what, safe, todo."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for path in sorted(TEXTS.glob("*.toml")):
        found.update(tomllib.loads(path.read_text("utf-8")))
    return found


def sentence(code: str, language: str, params: dict[str, Any]) -> dict[str, str]:
    """What happened, what is safe, what to do, for `code`, with its parameters filled in."""
    entry = texts().get(code) or texts()["unknown_error"]
    words = entry["zh" if language.startswith("zh") else "en"]
    return {part: _fill(words[part], params) for part in ("what", "safe", "todo")}


def _fill(template: str, params: dict[str, Any]) -> str:
    for name, value in params.items():
        template = template.replace("{" + name + "}", str(value))
    return template


def problem(
    request: Request[Any, Any, Any], error: DomainError, *, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The body of an error answer."""
    language = language_of(request)
    words = sentence(error.code, language, error.params)
    field = getattr(error, "field", None)
    details = errors or ([{"field": field, "code": error.code, "message": words["what"]}] if field else [])
    return {
        "type": f"/problems/{error.code}",
        "title": words["what"],
        "status": error.status,
        "detail": " ".join((words["what"], words["safe"], words["todo"])),
        "code": error.code,
        "safe": words["safe"],
        "todo": words["todo"],
        "params": {name: _plain(value) for name, value in error.params.items()},
        "errors": details,
        "request_id": request.scope.get("state", {}).get("request_id"),
    }


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | bool | None) else str(value)


def to_domain_error(request: Request[Any, Any, Any], error: Exception) -> tuple[DomainError, list[dict[str, str]]]:
    """Any exception as the refusal its reader should see; what nobody expected is logged with its traceback."""
    if isinstance(error, DomainError):
        return error, []
    if isinstance(error, ValidationException):
        return Invalid("validation_failed"), _fields(error)
    if isinstance(error, HTTPException):
        return _of_status(error.status_code), []
    if isinstance(error, OperationalError | DBAPIError) and _passing(error):
        log.warning("database_unavailable", error=str(error.orig))
        return Unavailable("temporarily_unavailable"), []
    log.error("request_failed", path=request.scope["path"], exc_info=error)
    return _of_status(500), []


def _passing(error: DBAPIError) -> bool:
    """Whether trying again may succeed: no connection, a lock not had in time, a deadlock, a statement cut off, shutdown."""
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in {"08", "40", "53", "55", "57"}


def _of_status(status: int) -> DomainError:
    error = DomainError(HTTP_CODES.get(status, "request_malformed" if status < 500 else "internal_error"))
    error.status = status  # type: ignore[misc]  # the framework's own refusals carry their status with them
    return error


def _fields(error: ValidationException) -> list[dict[str, str]]:
    found = []
    for item in error.extra or []:
        if isinstance(item, dict):
            location = ".".join(str(part) for part in item.get("loc", ()))
            name = str(item.get("key") or location)
            found.append(
                {
                    "field": name,
                    "code": "validation_failed",
                    "message": str(item.get("message") or item.get("msg") or ""),
                }
            )
    return found


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The error answer: problem details for programs, a page for people."""
    domain_error, errors = to_domain_error(request, error)
    body = problem(request, domain_error, errors=errors)
    headers = {"Retry-After": "2"} if domain_error.status in {429, 503} else {}
    if domain_error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if wants_page(request):
        return error_page(request, body, headers)
    return Response(body, status_code=domain_error.status, media_type=MEDIA_TYPE, headers=headers)


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person with a browser is asking."""
    path = request.scope["path"]
    return not path.startswith(("/v1/", "/hooks/")) and "text/html" in request.headers.get("accept", "")
