"""The published contract: Litestar's OpenAPI document, with the errors as they are really answered and who may ask."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types.internal_types import PathParameterDefinition

from api.auth import PUBLIC, SAFE, SIGNED_IN
from api.problems import MEDIA_TYPE
from api.schema import ProblemOut

_MODULE = re.compile(r"PageOut_[\w.]+\.(\w+_)")
REFUSALS = (400, 401, 403, 404, 409, 413, 422, 429, 503)


def openapi_config() -> OpenAPIConfig:
    """OpenAPI 3.1 of the JSON routes; pages declare `include_in_schema=False`."""
    return OpenAPIConfig(
        title="Channel Market",
        version="1",
        description=(
            "Sell software from a video. Money is `{amount, currency}` in minor units; instants are RFC 3339 in UTC; "
            "ids are UUID version 7; errors are problem details (RFC 9457) with a stable `code`."
        ),
        path="/openapi",
        operation_id_creator=operation_id,
        render_plugins=[],
        components=Components(
            security_schemes={
                "session": SecurityScheme(type="apiKey", name="session", security_scheme_in="cookie"),
                "key": SecurityScheme(type="http", scheme="bearer", description="API key"),
            }
        ),
        security=[{"session": []}, {"key": []}],
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
    them problem documents, and which permission it asks for.
    """
    # Litestar names a generic's component by the argument's module as well; generated clients should not see our folders.
    plain = _MODULE.sub(r"PageOut_\1", json.dumps(app.openapi_schema.to_schema()))
    document: dict[str, Any] = json.loads(plain)
    schema = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= {"Problem": schema, **schema.pop("$defs", {})}
    document["components"]["responses"] = {str(status): _response(status) for status in REFUSALS}
    handlers = _handlers(app)
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
    refusals = {503, *handler.opt.get("refuses", ())}
    if permission == PUBLIC:
        operation["security"] = [{}, {"session": []}, {"key": []}]
    else:
        refusals |= {401, 403}
    if permission not in {PUBLIC, SIGNED_IN}:
        operation["description"] += f" Needs the permission `{permission}`."
    if "{" in path:
        refusals.add(404)
    if "parameters" in operation or "requestBody" in operation:
        refusals.add(422)
    if "requestBody" in operation:
        refusals |= {400, 413}
    if method not in SAFE:
        refusals |= {403, 409}
    operation["responses"].pop("400", None)
    for status, answer in operation["responses"].items():
        answer["description"] = HTTPStatus(int(status)).phrase
    operation["responses"] |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in refusals}


def _response(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": HTTPStatus(status).phrase, "content": content}
