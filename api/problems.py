"""Problem details (RFC 9457): a stable code, and in the reader's language what happened, what is safe, what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from babel.dates import format_timedelta
from litestar import Request
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from api.field_messages import field_message
from api.known_values import refuse_unknown
from api.language import language_of
from api.region_names import region_name, region_names
from api.schema import FieldProblemOut, ProblemOut
from api.state_words import with_states
from kernel.errors import DomainError, Invalid, Unavailable, UnknownValue

log = structlog.get_logger(__name__)


TEXTS = Path(__file__).parent / "texts" / "errors"


MEDIA_TYPE = "application/problem+json"


SOON_S = 2
"""When to try again where nothing more exact is known."""


UNSTORABLE = {None, "22001", "22003", "22021"}
"""SQLSTATEs of values no column takes: a zero byte (refused before it is sent), too long, too large, not UTF-8."""


_MISSING = re.compile(r"Missing required \w+ parameter '([^']+)'")
"""What the framework says of a parameter that is not there; it names it nowhere else."""

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


def _wait(seconds: int, language: str) -> str:
    """How long to wait, in its largest unit: never less than it takes."""
    unit_s = next((unit for unit in (86_400, 3_600, 60) if seconds >= unit), 1)
    whole = timedelta(seconds=-(-seconds // unit_s) * unit_s)
    is_chinese = language.startswith("zh")
    said = format_timedelta(whole, threshold=1, locale="zh_CN" if is_chinese else "en")
    return re.sub(r"(?<=\d)(?=\D)", " ", said) if is_chinese else said


def _position(milliseconds: int, language: str) -> str:  # noqa: ARG001 - the same in every language
    return f"{milliseconds // 60_000}:{milliseconds // 1_000 % 60:02d}"


def _between(least: int, most: int, language: str) -> str:
    if least == most:
        return str(least)
    return f"{least} 到 {most}" if language.startswith("zh") else f"from {least} to {most}"


def _rates(least_ppm: int, most_ppm: int, language: str) -> str:
    least, most = (f"{Decimal(ppm).scaleb(-4).normalize():f}%" for ppm in (least_ppm, most_ppm))
    return f"{least} 到 {most}" if language.startswith("zh") else f"from {least} to {most}"


IN_WORDS: dict[str, tuple[tuple[str, ...], Callable[..., str]]] = {
    "wait": (("retry_after_s",), _wait),
    "duration": (("duration_ms",), _position),
    "numbers": (("least", "most"), _between),
    "rates": (("least_ppm", "most_ppm"), _rates),
    "place": (("region",), region_name),
    "places": (("regions",), region_names),
}
"""What a sentence may name besides its parameters, made of some of them and the language."""


def sentence(code: str, language: str, params: dict[str, Any]) -> dict[str, str]:
    """What happened, what is safe, what to do, for `code`, with its parameters filled in: states by their words."""
    params = with_states(code, params, language)
    params |= {
        name: said(*(params[one] for one in of), language)
        for name, (of, said) in IN_WORDS.items()
        if params.keys() >= set(of)
    }
    entry = texts().get(code) or texts()["unknown_error"]
    words = entry["zh" if language.startswith("zh") else "en"]
    return {part: _fill(words[part], params) for part in ("what", "safe", "todo")}


def _fill(template: str, params: dict[str, Any]) -> str:
    for name, value in params.items():
        template = template.replace("{" + name + "}", str(value))
    return template


def problem(request: Request[Any, Any, Any], error: DomainError, errors: list[FieldProblemOut]) -> ProblemOut:
    """The body of an error answer."""
    words = sentence(error.code, language_of(request), error.params)
    field = getattr(error, "field", None)
    if field and not errors:
        errors = [FieldProblemOut(field=field, code=error.code, message=words["what"])]
    return ProblemOut(
        type=f"/problems/{error.code}",
        title=words["what"],
        status=error.status,
        detail=" ".join((words["what"], words["safe"], words["todo"])),
        code=error.code,
        safe=words["safe"],
        todo=words["todo"],
        params={name: _plain(value) for name, value in error.params.items()},
        errors=errors,
        request_id=request.scope.get("state", {}).get("request_id"),
    )


def _plain(value: object) -> str | int | bool | None:
    return value if isinstance(value, str | int | bool | None) else str(value)


def to_domain_error(request: Request[Any, Any, Any], error: Exception) -> tuple[DomainError, list[FieldProblemOut]]:
    """Any exception as the refusal its reader should see; what nobody expected is logged with its traceback."""
    if isinstance(error, DomainError):
        return error, []
    if isinstance(error, ValidationException):
        try:
            refuse_unknown(request)
        except UnknownValue as unknown:
            return unknown, []
        return Invalid("validation_failed"), _fields(error, language_of(request))
    if isinstance(error, HTTPException):
        return _of_status(error.status_code), []
    if isinstance(error, DataError) and _sqlstate(error) in UNSTORABLE:
        log.warning("input_unstorable", path=request.scope["path"], sqlstate=_sqlstate(error))
        return Invalid("validation_failed"), []
    if isinstance(error, DBAPIError) and _passing(error):
        log.warning("database_unavailable", error=str(error.orig))
        return Unavailable("temporarily_unavailable"), []
    if isinstance(error, PoolExhausted):
        log.warning("database_busy", error=str(error))
        return Unavailable("temporarily_unavailable"), []
    log.error("request_failed", path=request.scope["path"], exc_info=error)
    return _of_status(500), []


def _passing(error: DBAPIError) -> bool:
    """Whether trying again may succeed: no connection, a lock not had in time, a deadlock, a statement cut off, shutdown."""
    state = _sqlstate(error)
    return state is None or state[:2] in {"08", "40", "53", "55", "57"}


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _of_status(status: int) -> DomainError:
    error = DomainError(HTTP_CODES.get(status, "request_malformed" if status < 500 else "internal_error"))
    error.status = status  # type: ignore[misc]  # the framework's own refusals carry their status with them
    return error


def _fields(error: ValidationException, language: str) -> list[FieldProblemOut]:
    found = []
    if missing := _MISSING.match(error.detail):
        found.append(
            FieldProblemOut(field=missing[1], code="validation_failed", message=field_message(missing[0], language))
        )
    for item in error.extra or []:
        if isinstance(item, dict):
            location = ".".join(str(part) for part in item.get("loc", ()))
            name = str(item.get("key") or location)
            message = field_message(str(item.get("message") or item.get("msg") or ""), language)
            found.append(FieldProblemOut(field=name, code="validation_failed", message=message))
    return found


def headers_of(error: DomainError) -> dict[str, str]:
    """What a refusal says in headers: when to try again (RFC 9110 §10.2.3), or how to authenticate (§11.6.1)."""
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if error.status in {429, 503}:
        return {"Retry-After": str(error.params.get("retry_after_s", SOON_S))}
    return {}


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person with a browser is asking: for a page, or for a download that a page links to."""
    path, headers = request.scope["path"], request.headers
    if path.startswith("/hooks/") or "text/html" not in headers.get("accept", ""):
        return False
    return not path.startswith("/v1/") or headers.get("sec-fetch-mode") == "navigate"
