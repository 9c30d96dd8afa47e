"""What other applications show of a link to a page: Open Graph (https://ogp.me) and the canonical address.

Only of what everybody may see: whoever fetches a preview has not signed in, and others read what it brings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from api.context import Services
from api.media_addresses import cover_address, media_address
from api.pages.frame.addresses import with_query

MOST_DESCRIPTION = 200
"""Characters; applications show less."""
_SHARE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """A page in an application's words. Addresses are absolute; `address` keeps the code of who shared, `canonical` drops it."""

    kind: Literal["video.other", "profile", "website"]
    title: str
    description: str
    canonical: str
    address: str
    picture: str = ""
    """A cover as JPEG: not every application shows WebP."""
    video: str = ""
    video_type: str = ""
    width: int = 0
    height: int = 0
    duration_s: int = 0


def preview_of_page(
    services: Services,
    kind: Literal["video.other", "profile", "website"],
    path: str,
    *,
    title: str,
    description: str,
    picture: str = "",
    share: str | None = None,
) -> LinkPreview:
    """The preview of a public page at `path`, shared with the code `share`."""
    base = services.settings.public_url
    code = share if share and _SHARE.fullmatch(share) else None
    return LinkPreview(kind, title, one_line(description), base + path, base + with_query(path, share=code), picture)


def public_picture(services: Services, video_id: UUID, version: str) -> str:
    """The cover of a video that everybody may see."""
    return services.settings.public_url + cover_address(services, video_id, version, is_public=True)


def public_media(services: Services, video_id: UUID, version: str) -> str:
    """The bytes of a video that everybody may see."""
    return services.settings.public_url + media_address(services, video_id, version, is_public=True)


def one_line(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_DESCRIPTION else line[: MOST_DESCRIPTION - 1].rstrip() + "…"
