"""Search over products, videos and channels."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, get
from litestar.di import NamedDependency as Given
from litestar.params import QueryParameter
from msgspec import Meta

from api.auth import PUBLIC
from api.context import Services
from api.request import ApiRequest
from api.schema import Out, Paging, next_link
from api.v1.feed import ChannelOut, FeedItemOut
from api.v1.listing_out import ListingOut
from marketplace.discovery.search import SearchHit, SearchPage, search


class SearchHitOut(Out):
    """A product, video or channel that was found: the one that `kind` names."""

    kind: Literal["product", "video", "channel"]
    product: ListingOut | None
    video: FeedItemOut | None
    channel: ChannelOut | None
    marks: Annotated[
        dict[str, list[list[int]]],
        Meta(
            description="Found parts of its texts, by field: the first character, and the one after the last",
            examples=[{"title": [[0, 2]]}],
        ),
    ]

    @classmethod
    def of(cls, services: Services, hit: SearchHit) -> SearchHitOut:
        """From the query's row."""
        return cls(
            kind=hit.kind,
            product=ListingOut.of(hit.product) if hit.product else None,
            video=FeedItemOut.of(services, hit.video) if hit.video else None,
            channel=ChannelOut.of(hit.channel) if hit.channel else None,
            marks={field: [list(mark) for mark in found] for field, found in hit.marks.items()},
        )


class SearchOut(Out):
    """One page of what was found, best first."""

    items: list[SearchHitOut]
    next_cursor: str | None
    match: Annotated[
        Literal["exact", "similar"],
        Meta(description="similar: nothing has all the words; these sound alike or are one typing mistake away"),
    ]

    @classmethod
    def of(cls, services: Services, page: SearchPage) -> SearchOut:
        """From the query's page."""
        items = [SearchHitOut.of(services, hit) for hit in page.items]
        return cls(items=items, next_cursor=page.next_cursor, match=page.match)


@get("/v1/search", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_search(
    request: ApiRequest,
    paging: Given[Paging],
    q: Annotated[
        str,
        QueryParameter(
            max_length=100,
            description="Words, Chinese or English; Chinese ones also in pinyin, whole or by their initials. All must be there",
        ),
    ],
    kind: Annotated[
        Literal["product", "video", "channel"] | None, QueryParameter(required=False, description="Only this kind")
    ] = None,
) -> Response[SearchOut]:
    """Products, videos and channels that one may see and that have all the words, best first."""
    with request.transaction() as uow:
        page = search(uow, q, kind=kind, cursor=paging.cursor, limit=paging.limit)
        found = SearchOut.of(request.services, page)
    return Response(found, headers=next_link(page, "/v1/search", q=q, kind=kind, limit=paging.limit))


routes = [get_search]
