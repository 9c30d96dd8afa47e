"""What a search found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from api.media_addresses import Thumbnail
from api.pages.products.views import ProductItem

Marked = tuple[tuple[bool, str], ...]
"""A text in parts, each with whether it was searched for."""


@dataclass(frozen=True, slots=True)
class ProductHit:
    """A product that was found."""

    row: ProductItem
    name: Marked
    summary: Marked
    kind: ClassVar[str] = "product"


@dataclass(frozen=True, slots=True)
class VideoHit:
    """A video that was found."""

    id: str
    title: Marked
    description: Marked
    channel_name: str
    duration_s: int
    picture: Thumbnail
    kind: ClassVar[str] = "video"


@dataclass(frozen=True, slots=True)
class ChannelHit:
    """A channel that was found; `initial` is the first sign of its name."""

    id: str
    initial: str
    name: Marked
    bio: Marked
    kind: ClassVar[str] = "channel"


@dataclass(frozen=True, slots=True)
class SearchView:
    """Everything found for `query`, best first; of one `kind` where one was chosen."""

    template: ClassVar[str] = "search/search.html"
    active: ClassVar[str] = "products"

    query: str
    hits: tuple[ProductHit | VideoHit | ChannelHit, ...] = ()
    kind: Literal["product", "video", "channel"] | None = None
    similar: bool = False
    next_address: str | None = None
