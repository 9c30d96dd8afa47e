"""The link by which a video is sent on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from api.media_addresses import Thumbnail


@dataclass(frozen=True, slots=True)
class ShareView:
    """A video's link, absolute. ``code``: it remembers who sends it, an organization by its name."""

    template: ClassVar[str] = "sharing/share.html"
    active: ClassVar[str] = "feed"

    video_id: str
    title: str
    picture: Thumbnail
    visibility: str
    address: str
    code: str = ""
    organization: str = ""
