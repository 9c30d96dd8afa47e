"""Search over products, videos and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from litestar import Response
from litestar.di import NamedDependency as Given

from api.auth import PUBLIC
from api.media_addresses import thumbnail
from api.pages.frame import addresses
from api.pages.frame.site import PageRequest, page
from api.pages.products.presenter import product_items
from api.pages.products.views import ProductItem
from api.pages.search.views import ChannelHit, Marked, ProductHit, SearchView, VideoHit
from marketplace.channels.queries import ChannelView
from marketplace.discovery.feed import FeedItem
from marketplace.discovery.search import SearchHit, search

_PAGE = 20
_KINDS = ("product", "video", "channel")


@page(addresses.SEARCH, PUBLIC)
def show_search(page_request: Given[PageRequest]) -> Response[str]:
    """What the words in the address find."""
    query, asked = page_request.query("q"), page_request.query("kind", most=10)
    kind = cast("Literal['product', 'video', 'channel'] | None", asked if asked in _KINDS else None)
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        found = search(uow, query, kind=kind, cursor=cursor, limit=_PAGE)
        listings = [hit.product for hit in found.items if hit.product is not None]
        items = {item.id: item for item in product_items(page_request, uow, listings)}
    view = SearchView(
        query,
        tuple(one for hit in found.items if (one := _hit(page_request, hit, items)) is not None),
        kind,
        similar=found.match == "similar",
        next_address=addresses.next_page(addresses.SEARCH, found.next_cursor, q=query, kind=kind),
    )
    return page_request.render(view)


def _hit(
    page_request: PageRequest, hit: SearchHit, items: Mapping[str, ProductItem]
) -> ProductHit | VideoHit | ChannelHit | None:
    if hit.product is not None:
        name = _marked(page_request, hit, hit.product.title, hit.product.title_en, "title")
        summary = _marked(page_request, hit, hit.product.summary, hit.product.summary_en, "summary")
        return ProductHit(items[str(hit.product.id)], name, summary)
    if hit.video is not None:
        return _video(page_request, hit, hit.video)
    return _channel(page_request, hit, hit.channel) if hit.channel is not None else None


def _video(page_request: PageRequest, hit: SearchHit, video: FeedItem) -> VideoHit:
    return VideoHit(
        id=str(video.id),
        title=_marked(page_request, hit, video.title, video.title_en, "title"),
        description=_marked(page_request, hit, video.description, video.description_en, "description"),
        channel_name=page_request.pick(video.channel_name, video.channel_name_en),
        duration_s=max(1, -(-video.duration_ms // 1000)),
        picture=thumbnail(page_request.services, video.id, video.media_version, is_public=video.is_public),
    )


def _channel(page_request: PageRequest, hit: SearchHit, channel: ChannelView) -> ChannelHit:
    return ChannelHit(
        id=str(channel.id),
        initial=page_request.pick(channel.name, channel.name_en)[:1],
        name=_marked(page_request, hit, channel.name, channel.name_en, "name"),
        bio=_marked(page_request, hit, channel.bio, channel.bio_en, "bio"),
    )


def _marked(page_request: PageRequest, hit: SearchHit, chinese: str, english: str, name: str) -> Marked:
    """The text in the page's language, in parts."""
    shown = page_request.pick(chinese, english)
    field = name if shown == chinese else f"{name}_en"
    return parts(shown, hit.marks.get(field, ()))


def parts(text: str, ranges: Sequence[tuple[int, int]]) -> Marked:
    """A text in parts, those of `ranges` marked."""
    found: list[tuple[bool, str]] = []
    place = 0
    for start, end in ranges:
        found += [(False, text[place:start]), (True, text[start:end])]
        place = end
    return tuple((is_found, part) for is_found, part in (*found, (False, text[place:])) if part)


routes = [show_search]
