"""Static files, each at an address that changes with its content."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from api.auth import PUBLIC
from api.conditional import is_unchanged
from api.encoded_answers import LEAST_BYTES, requested_encoding
from api.pages.frame import assets
from kernel.errors import NotFound


@get("/static/{digest:str}/{name:str}", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def static_file(digest: FromPath[str], name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """A style sheet, script or picture. Kept for ever under its digest; under an older one, served and not kept."""
    asset = assets.all_assets().get(name)
    if asset is None:
        raise NotFound("not_found")
    content, encoding = asset.content, requested_encoding(request.scope["headers"])
    if len(content) < LEAST_BYTES:
        encoding = None
    headers = {
        "Cache-Control": assets.CACHE_CONTROL if digest == assets.digest() else "no-cache",
        "ETag": f'"{asset.tag}-{encoding}"' if encoding else f'"{asset.tag}"',
    }
    if encoding:
        content, headers["Content-Encoding"] = assets.encoded(name, encoding), encoding
    if is_unchanged(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(b"", status_code=304, headers=headers | {"Vary": "Accept-Encoding"})
    return Response(content, media_type=asset.media_type, headers=headers)


@get("/favicon.ico", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def favicon() -> Response[bytes]:
    """The icon for browsers that ask without being told."""
    asset = assets.all_assets()["icon.svg"]
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": "public, max-age=86400"})


routes = [static_file, favicon]
