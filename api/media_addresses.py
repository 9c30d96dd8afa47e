"""Addresses of a video's bytes and cover: versioned, so that a replaced file is fetched anew; signed where not public.

A signed address works for whoever holds it until it expires, or until others than before may watch. Its hour is rounded,
so that a page loaded twice names the same address and the browser's cache serves the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from api.context import Services
from kernel import clock
from kernel.signing import BadToken
from marketplace.videos.captions.edit_captions import CaptionTrack

CoverWidth = Literal[160, 480, 960]
"""Of `COVER_WIDTHS`, as an address names it."""
PURPOSE = "media"
LASTS = timedelta(hours=2)


def media_address(services: Services, video_id: UUID, version: str, *, is_public: bool) -> str:
    """Where the playable bytes are."""
    return _address(services, video_id, version, "media", is_public=is_public)


def cover_address(
    services: Services, video_id: UUID, version: str, *, is_public: bool, width: CoverWidth | None = None
) -> str:
    """Where the cover picture is: the original (JPEG), or at most `width` pixels wide (WebP)."""
    address = _address(services, video_id, version, "cover", is_public=is_public)
    return address if width is None else f"{address}&w={width}"


def captions_address(services: Services, video_id: UUID, version: str, track: CaptionTrack, *, is_public: bool) -> str:
    """Where the captions in a language are. `version` is the film's."""
    part = f"captions/{track.language}"
    return _address(services, video_id, version, part, is_public=is_public, carried=track.version)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture in a list: its address, and those a browser chooses from by the screen's density."""

    src: str
    srcset: str


def thumbnail(services: Services, video_id: UUID, version: str, *, is_public: bool) -> Thumbnail:
    """The cover for a list."""
    small: CoverWidth = 160
    dense: CoverWidth = 480
    one, other = (
        cover_address(services, video_id, version, is_public=is_public, width=width) for width in (small, dense)
    )
    return Thumbnail(one, f"{one} {small}w, {other} {dense}w")


def image_address(listing_id: object, image_id: str, width: Literal[480, 1600]) -> str:
    """A picture of a product, at most `width` pixels wide; it never changes."""
    return f"/v1/listings/{listing_id}/image?v={image_id}&w={width}"


def vouched_for(services: Services, video_id: UUID, token: str | None) -> str | None:
    """The version for which `token` vouches, when it is one of ours for this video and its time has not passed."""
    if token is None:
        return None
    try:
        found = services.signer.open_token(PURPOSE, token)
    except (BadToken, ValueError):
        return None
    return str(found.get("version")) if found.get("video") == str(video_id) else None


def _address(
    services: Services, video_id: UUID, version: str, part: str, *, is_public: bool, carried: str | None = None
) -> str:
    address = f"/v1/videos/{video_id}/{part}?v={carried or version}"
    if is_public:
        return address
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    said = {"video": str(video_id), "version": version}
    return f"{address}&token={services.signer.sign_token(PURPOSE, said, hour + LASTS)}"
