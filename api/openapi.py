"""The published contract: Litestar's OpenAPI document, with the errors as they are really answered and who may ask."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License, Reference, SecurityScheme, Tag
from litestar.types.internal_types import PathParameterDefinition

from api.auth import COOKIE, PUBLIC, SAFE, SECURE_COOKIE, SIGNED_IN
from api.known_values import OPTION as KNOWN_VALUES
from api.openapi_parameters import TAGS, complete_parameter
from api.openapi_schemas import body_schemas, named_plainly, problem_schemas
from api.problems import MEDIA_TYPE
from api.rate_limits import POLICY_HEADER, STANDING_HEADER, is_counted

REFUSALS = (400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 429, 460, 503)
RATE_LIMIT_HEADERS: dict[str, Any] = {
    POLICY_HEADER: {
        "description": "How many requests (`q`) a window of `w` seconds holds for this caller: a credential, or a network where "
        "nobody signed in (draft-ietf-httpapi-ratelimit-headers)",
        "schema": {"type": "string", "examples": ['"credential";q=6000;w=60']},
    },
    STANDING_HEADER: {
        "description": "How many requests are left (`r`), and in how many seconds all are back (`t`)",
        "schema": {"type": "string", "examples": ['"credential";r=5872;t=31']},
    },
    "Retry-After": {
        "description": "In how many seconds to try again",
        "schema": {"type": "integer", "minimum": 1, "examples": [31]},
    },
}
SECURITY_SCHEMES: dict[str, SecurityScheme | Reference] = {
    "session": SecurityScheme(
        type="apiKey",
        name=COOKIE,
        security_scheme_in="cookie",
        description=f"Set by `POST /v1/session`. Over HTTPS its name is `{SECURE_COOKIE}`.",
    ),
    "csrf": SecurityScheme(
        type="apiKey",
        name="X-CSRF-Token",
        security_scheme_in="header",
        description=(
            "`csrf` of `POST /v1/session` or `GET /v1/session`. Whatever changes something with a session's cookie needs "
            "it; browsers that send `Sec-Fetch-Site` or `Origin` from our own pages may leave it out."
        ),
    ),
    "key": SecurityScheme(type="http", scheme="bearer", description="API key, made by `POST /v1/api-keys`"),
}


def openapi_config() -> OpenAPIConfig:
    """OpenAPI 3.1 of the JSON routes; pages declare `include_in_schema=False`."""
    return OpenAPIConfig(
        title="Channel Market",
        version="1",
        description=(
            "Sell software from a video. Money is `{amount, currency}` in minor units; instants are RFC 3339 in UTC; "
            "ids are UUID version 7; errors are problem details (RFC 9457) with a stable `code`."
        ),
        contact=Contact(name="The operator of this installation"),
        license=License(name="Apache License 2.0", identifier="Apache-2.0"),
        tags=[Tag(name=name, description=description) for name, description in TAGS.items()],
        path="/openapi",
        operation_id_creator=operation_id,
        render_plugins=[],
        components=Components(security_schemes=SECURITY_SCHEMES),
        use_handler_docstrings=True,
    )


def operation_id(handler: HTTPRouteHandler, method: str, path: list[str | PathParameterDefinition]) -> str:
    """A stable name for generated clients: method and path, as in `post_v1_purchases_purchase_id_approve`."""
    del handler
    parts = [part if isinstance(part, str) else part.name for part in path]
    return "_".join([method.lower(), *(part.replace("-", "_") for part in parts)])


def openapi_document(app: Litestar) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `app`.

    Litestar describes its own error body, which is never sent. Here every operation says which refusals it knows, all of
    them problem documents, which credentials it takes, and which permission it asks for.
    """
    handlers = _handlers(app)
    document = app.openapi_schema.to_schema()
    document["components"]["schemas"] |= body_schemas(handlers.values()) | problem_schemas()
    document = named_plainly(document)
    document["components"]["headers"] = RATE_LIMIT_HEADERS
    document["components"]["responses"] = {str(status): _response(status) for status in REFUSALS}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _complete(operation, handlers[operation["operationId"]], path, method.upper())
    return document


def _handlers(app: Litestar) -> dict[str, HTTPRouteHandler]:
    return {
        operation_id(handler, str(method), route.path_components): handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if isinstance(handler, HTTPRouteHandler)
        for method in handler.http_methods
    }


def _complete(operation: dict[str, Any], handler: HTTPRouteHandler, path: str, method: str) -> None:
    permission = handler.opt["permission"]
    if "raw_body" in handler.opt:
        # What a handler reads by itself the framework does not know of.
        operation["requestBody"] = {"required": True, "content": handler.opt["raw_body"]}
    for parameter in operation.get("parameters", []):
        complete_parameter(parameter)
    operation["security"] = _security(permission, method)
    if permission not in {PUBLIC, SIGNED_IN}:
        operation["description"] += f" Needs the permission `{permission}`."
    answers = operation["responses"]
    answers.pop("400", None)
    counted = is_counted(path)
    for status, answer in answers.items():
        answer["description"] = HTTPStatus(int(status)).phrase
        if counted:
            answer["headers"] = answer.get("headers", {}) | _rate_limit_headers()
        if int(status) == HTTPStatus.NO_CONTENT:
            answer.pop("content", None)
    for status in handler.opt.get("also_answers", ()):
        answers[str(status)] = {"description": HTTPStatus(status).phrase}
        if status == HTTPStatus.PARTIAL_CONTENT:
            answers[str(status)]["content"] = answers["200"]["content"]
    limits = {429} if counted else set()
    limits |= {400} if KNOWN_VALUES in handler.opt else set()
    for status in {*_refusals(operation, permission, path, method), *limits, *handler.opt.get("refuses", ())}:
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}


def _security(permission: str, method: str) -> list[dict[str, list[str]]]:
    session: dict[str, list[str]] = {"session": []} if method in SAFE else {"session": [], "csrf": []}
    anonymous: list[dict[str, list[str]]] = [{}] if permission == PUBLIC else []
    return [*anonymous, session, {"key": []}]


def _refusals(operation: dict[str, Any], permission: str, path: str, method: str) -> set[int]:
    refusals = {503}
    parameters = {parameter["name"] for parameter in operation.get("parameters", [])}
    if permission != PUBLIC:
        refusals |= {401, 403}
    if "{" in path:
        refusals.add(404)
    if parameters or "requestBody" in operation:
        refusals.add(422)
    if "requestBody" in operation:
        refusals |= {400, 413}
    if "Idempotency-Key" in parameters:
        # A key, like a quote or a wait for approval, that is over is refused, not tried anew.
        refusals.add(410)
    if method not in SAFE:
        refusals |= {403, 409}
    return refusals


def _phrase(status: int) -> str:
    """What a status is called; tus has one of its own."""
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Checksum Mismatch"


def _response(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answer: dict[str, Any] = {"description": _phrase(status), "content": content}
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        answer["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return answer


def _rate_limit_headers() -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (POLICY_HEADER, STANDING_HEADER)}
