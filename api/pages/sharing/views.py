"""The link by which a video, a product or a channel is sent on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from api.media_addresses import Thumbnail
from api.pages.frame.choices import Choice
from api.pages.frame.share_addresses import Shared


@dataclass(frozen=True, slots=True)
class ShareView:
    """A link, absolute. ``code``: it remembers who sends it, an organization by its name.

    ``has_poster``: everybody may see what it opens.
    """

    template: ClassVar[str] = "sharing/share.html"
    active: ClassVar[str] = "feed"

    kind: Shared
    subject_id: str
    title: str
    picture: Thumbnail | None
    visibility: str
    address: str
    code: str = ""
    organization: str = ""
    has_poster: bool = False
    circles: tuple[Choice, ...] = ()
    """Those that the reader is in; a channel is no card of a post."""
