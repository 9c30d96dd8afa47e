"""Static files, each at an address that changes with its content."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath

from api.auth import PUBLIC
from api.pages.frame import assets
from kernel.errors import NotFound


@get("/static/{digest:str}/{name:str}", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def static_file(digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A style sheet, script or picture. Kept for ever under its digest; under an older one, served and not kept."""
    asset = assets.all_assets().get(name)
    if asset is None:
        raise NotFound("not_found")
    kept = assets.CACHE_CONTROL if digest == assets.digest() else "no-cache"
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": kept})


@get("/favicon.ico", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def favicon() -> Response[bytes]:
    """The icon for browsers that ask without being told."""
    asset = assets.all_assets()["icon.svg"]
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": "public, max-age=86400"})


routes = [static_file, favicon]
