"""The API reference: the OpenAPI document, and Swagger UI served from our own files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.serialization import encode_json

from api.auth import PUBLIC
from api.encoded_answers import Encoding, encode, requested_encoding
from api.openapi import openapi_document

ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
}
START = (
    "window.addEventListener('load', () => SwaggerUIBundle({url: '/openapi.json', dom_id: '#reference', "
    "deepLinking: true, validatorUrl: null}));"
)
DAY = "public, max-age=86400"


@get("/openapi.json", permission=PUBLIC, include_in_schema=False, sync_to_thread=True)
def document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI 3.1 document of this release."""
    encoding = requested_encoding(request.scope["headers"])
    headers = {"Content-Encoding": encoding} if encoding else {}
    return Response(_document(request.app, encoding), media_type="application/json", headers=headers)


@get("/docs/api", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def page(request: Request[Any, Any, Any]) -> Response[str]:
    """The reference as a page."""
    nonce = request.scope["state"]["nonce"]
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Channel Market API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/docs/api/swagger-ui.css" nonce="{nonce}"></head><body><main id="reference"></main>'
        f'<script src="/docs/api/swagger-ui-bundle.js" nonce="{nonce}"></script>'
        f'<script src="/docs/api/start.js" nonce="{nonce}"></script></body></html>'
    )
    # Swagger UI sets style attributes; its page has no user text and none of our sessions' forms.
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return Response(html, media_type="text/html", headers={"Content-Security-Policy": policy})


@get("/docs/api/{name:str}", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def asset(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Files of the reference page."""
    if name == "start.js":
        return Response(START.encode(), media_type="text/javascript")
    if name not in ASSETS:
        raise NotFoundException
    encoding = requested_encoding(request.scope["headers"])
    headers = {"Cache-Control": DAY, **({"Content-Encoding": encoding} if encoding else {})}
    return Response(_read(name, encoding), media_type=ASSETS[name], headers=headers)


@cache
def _document(app: Litestar, encoding: Encoding | None) -> bytes:
    """Made once: anybody may ask for it, it is the same for everybody, and takes seconds of a core."""
    if encoding:
        return encode(_document(app, None), encoding, "kept")
    return encode_json(openapi_document(app))


@cache
def _read(name: str, encoding: Encoding | None) -> bytes:
    content = files("swagger_ui").joinpath("static", name).read_bytes()
    return encode(content, encoding, "kept") if encoding else content


routes = [document, page, asset]
