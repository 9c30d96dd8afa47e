"""The feed, one video of it, and channels as viewers meet them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.answer_cache import answer_anew, catalogue_answer
from api.auth import PUBLIC, SIGNED_IN
from api.context import Services
from api.media_addresses import captions_address, cover_address, media_address
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, linked
from api.v1.reliability_out import ReliabilityOut, ResponseTimeOut
from kernel.db.uow import UnitOfWork
from marketplace.channels.open_channel import (
    ChangeChannel,
    OpenChannel,
    change_channel,
    follow_channel,
    open_channel,
    unfollow_channel,
)
from marketplace.channels.queries import ChannelView, get_channel, list_own_channels
from marketplace.discovery.cards import Card, ClaimView
from marketplace.discovery.feed import FeedItem, get_feed_item, list_feed
from marketplace.discovery.ranking import Reason
from marketplace.publishing.queries import VideoRow
from marketplace.reactions.like_video import like_video, unlike_video
from marketplace.reactions.queries import get_reactions
from marketplace.response_cards.queries import ShownCard
from marketplace.videos.captions.edit_captions import CaptionTrack
from marketplace.videos.set_chapters import Chapter


class CardOut(Out):
    """A product card, shown from `start_ms` up to `end_ms`. The price is for one `price_unit`.

    `rating_tenths`: the average of `rating_count` customers' reviews, in tenths of a star; null where there are none.
    """

    placement_id: UUID
    start_ms: int
    end_ms: int
    action: str
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    listing_kind: str
    title: str
    title_en: str
    plan_id: UUID
    plan_name: str
    plan_name_en: str
    pricing: Annotated[str, Meta(description="per_seat, flat, one_off, usage or mixed")]
    sold_by_seat: bool
    interval: str
    price_unit: Annotated[str, Meta(examples=["seat/year"])]
    unit_price: Annotated[MoneyOut, Meta(description="The headline: of mixed pricing the least that one pays")]
    tax_included: bool
    min_seats: int
    max_seats: int
    included_seats: int
    trial_days: int
    trial_needs_method: bool
    on_sale: bool
    rating_count: int
    rating_tenths: int | None
    reliability: ReliabilityOut | None
    response_time: ResponseTimeOut | None

    @classmethod
    def of(cls, card: Card) -> CardOut:
        """From the query's row."""
        return cls.of_row(
            card,
            reliability=ReliabilityOut.of(card.reliability),
            response_time=ResponseTimeOut.of(card.response_time),
        )


class ClaimOut(Out):
    """A promise made at a moment of the video. Prices are minor units of `currency` for one `unit`."""

    id: UUID
    placement_id: UUID
    kind: str
    at_ms: int
    value_int: int | None
    value_text: str | None
    currency: str | None
    unit: str | None
    text: str
    text_en: str
    kept: bool
    said: str | None
    holds: str | None

    @classmethod
    def of(cls, claim: ClaimView) -> ClaimOut:
        """From the query's row."""
        return cls.of_row(claim)


class CaptionTrackOut(Out):
    """Captions in a language (WebVTT), which has a `name` for itself."""

    language: str
    name: str
    url: str

    @classmethod
    def of(cls, services: Services, row: FeedItem | VideoRow, track: CaptionTrack) -> CaptionTrackOut:
        """From the query's row, with its address."""
        url = captions_address(services, row.id, row.media_version, track, is_public=row.is_public)
        return cls(language=track.language, name=track.name, url=url)


class WhyOut(Out):
    """A reason for a video's place in the feed: by how many hours it is taken for newer, for older when negative.

    `fresh` is its time of publication; `followed`: one follows the channel; `fits`: it shows a kind of product that was
    delivered to one's organization; `delivered`: what was bought from it was delivered and kept; `newcomer`: one of its
    channel's first videos; `crowded`: its channel published much in the day before.
    """

    reason: Reason
    hours: int


class FeedItemOut(Out):
    """A published video with its cards. `media_url` answers range requests; `why` explains its place in the feed."""

    id: UUID
    title: str
    title_en: str
    description: str
    description_en: str
    visibility: str
    channel_id: UUID
    channel_handle: str
    channel_name: str
    channel_name_en: str
    followed: bool
    duration_ms: int
    width: int
    height: int
    media_type: str
    media_url: str
    cover_url: str
    published_at: datetime
    captions: list[CaptionTrackOut]
    chapters: Sequence[Chapter]
    cards: list[CardOut]
    claims: list[ClaimOut]
    why: list[WhyOut]
    response_cards: Sequence[ShownCard]

    @classmethod
    def of(cls, services: Services, item: FeedItem) -> FeedItemOut:
        """From the query's row, with addresses."""
        is_public = item.is_public
        return cls.of_row(
            item,
            media_url=media_address(services, item.id, item.media_version, is_public=is_public),
            cover_url=cover_address(services, item.id, item.media_version, is_public=is_public),
            captions=[CaptionTrackOut.of(services, item, track) for track in item.captions],
            cards=[CardOut.of(card) for card in item.cards],
            claims=[ClaimOut.of(claim) for claim in item.claims],
            why=[WhyOut.of_row(one) for one in item.why],
        )


class ReactionsOut(Out):
    """How many like a video; `liked` is one's own."""

    likes: int
    liked: bool


class ChannelChange(Wire):
    """A channel's words; its handle stays. A name in one language is enough."""

    name: Annotated[str, Field(max_length=60)] = ""
    name_en: Annotated[str, Field(max_length=60)] = ""
    bio: Annotated[str, Field(max_length=1000)] = ""
    bio_en: Annotated[str, Field(max_length=1000)] = ""


class ChannelIn(Wire):
    """A channel to open. The handle is its public address: 3 to 40 of a–z, 0–9 and dash. A name in one language is enough."""

    handle: Annotated[str, Field(max_length=40)]
    name: Annotated[str, Field(max_length=60)] = ""
    name_en: Annotated[str, Field(max_length=60)] = ""
    bio: Annotated[str, Field(max_length=1000)] = ""
    bio_en: Annotated[str, Field(max_length=1000)] = ""


class ChannelOut(Out):
    """A channel."""

    id: UUID
    handle: str
    name: str
    name_en: str
    bio: str
    bio_en: str
    followed: bool
    created_at: datetime

    @classmethod
    def of(cls, row: ChannelView) -> ChannelOut:
        """From the query's row."""
        return cls.of_row(row)


TextParameter = Annotated[
    str | None,
    QueryParameter(
        name="q", max_length=100, required=False, description="Words of the title, the description or the channel"
    ),
]


@get("/v1/feed", permission=PUBLIC, tags=["content"])
async def get_feed(
    request: ApiRequest,
    paging: Given[Paging],
    q: TextParameter = None,
    followed: Annotated[
        bool | None, QueryParameter(name="followed", required=False, description="Only of channels that one follows")
    ] = None,
) -> Response[PageOut[FeedItemOut]]:
    """Published videos one may see, in the order that `why` explains; those found by the words `q`, newest first."""

    def read(uow: UnitOfWork) -> Response[PageOut[FeedItemOut]]:
        page = list_feed(uow, cursor=paging.cursor, limit=paging.limit, query=q, followed_only=bool(followed))
        return linked(
            page,
            lambda item: FeedItemOut.of(request.services, item),
            "/v1/feed",
            limit=paging.limit,
            q=q,
            followed="true" if followed else None,
        )

    # Words are rarely searched for twice, and would displace the pages that everybody asks for. So would one's own channels.
    return await (answer_anew(request, read) if q or followed else catalogue_answer(request, read, paging))


@get("/v1/videos/{video_id:uuid}/reactions", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_video_reactions(video_id: FromPath[UUID], request: ApiRequest) -> ReactionsOut:
    """How many like a video."""
    with request.transaction() as uow:
        return ReactionsOut.of_row(get_reactions(uow, video_id))


@put("/v1/videos/{video_id:uuid}/like", permission=SIGNED_IN, sync_to_thread=True, status_code=204, tags=["content"])
def like(video_id: FromPath[UUID], request: ApiRequest) -> None:
    """Like a video; liked already, nothing changes."""
    request.transact(lambda uow: like_video(uow, video_id))


@delete("/v1/videos/{video_id:uuid}/like", permission=SIGNED_IN, sync_to_thread=True, tags=["content"])
def unlike(video_id: FromPath[UUID], request: ApiRequest) -> None:
    """Like it no more."""
    request.transact(lambda uow: unlike_video(uow, video_id))


@get("/v1/videos/{video_id:uuid}", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_video(video_id: FromPath[UUID], request: ApiRequest) -> FeedItemOut:
    """One published video."""
    with request.transaction() as uow:
        return FeedItemOut.of(request.services, get_feed_item(uow, video_id))


@get("/v1/channels", permission=SIGNED_IN, sync_to_thread=True, tags=["content"])
def get_own_channels(request: ApiRequest) -> list[ChannelOut]:
    """The organization's own channels."""
    with request.transaction() as uow:
        return [ChannelOut.of(row) for row in list_own_channels(uow)]


@post("/v1/channels", permission="videos.write", sync_to_thread=True, tags=["content"])
def create_channel(data: JSONBody[ChannelIn], request: ApiRequest) -> ChannelOut:
    """Open a channel."""
    command = OpenChannel(**data.model_dump())

    def work(uow: UnitOfWork) -> ChannelOut:
        made = open_channel(uow, command)
        uow.flush()
        return ChannelOut.of(get_channel(uow, made.id))

    return request.transact(work)


@put("/v1/channels/{channel_id:uuid}", permission="videos.write", sync_to_thread=True, tags=["content"])
def update_channel(channel_id: FromPath[UUID], data: JSONBody[ChannelChange], request: ApiRequest) -> ChannelOut:
    """Change the words of one of the organization's channels."""
    command = ChangeChannel(channel_id, **data.model_dump())

    def work(uow: UnitOfWork) -> ChannelOut:
        change_channel(uow, command)
        return ChannelOut.of(get_channel(uow, channel_id))

    return request.transact(work)


@get("/v1/channels/{channel_id:uuid}", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_one_channel(channel_id: FromPath[UUID], request: ApiRequest) -> ChannelOut:
    """A channel."""
    with request.transaction() as uow:
        return ChannelOut.of(get_channel(uow, channel_id))


@get("/v1/channels/{channel_id:uuid}/videos", permission=PUBLIC, tags=["content"])
async def get_channel_videos(
    channel_id: FromPath[UUID],
    request: ApiRequest,
    paging: Given[Paging],
) -> Response[PageOut[FeedItemOut]]:
    """A channel's published videos one may see, newest first."""

    def read(uow: UnitOfWork) -> Response[PageOut[FeedItemOut]]:
        get_channel(uow, channel_id)
        page = list_feed(uow, cursor=paging.cursor, limit=paging.limit, channel_id=channel_id)
        path = f"/v1/channels/{channel_id}/videos"
        return linked(page, lambda item: FeedItemOut.of(request.services, item), path, limit=paging.limit)

    return await catalogue_answer(request, read, paging)


@put(
    "/v1/channels/{channel_id:uuid}/follow",
    permission=SIGNED_IN,
    sync_to_thread=True,
    status_code=204,
    tags=["content"],
)
def follow(channel_id: FromPath[UUID], request: ApiRequest) -> None:
    """Follow a channel; following already, nothing changes."""
    request.transact(lambda uow: follow_channel(uow, channel_id))


@delete("/v1/channels/{channel_id:uuid}/follow", permission=SIGNED_IN, sync_to_thread=True, tags=["content"])
def unfollow(channel_id: FromPath[UUID], request: ApiRequest) -> None:
    """Follow it no more."""
    request.transact(lambda uow: unfollow_channel(uow, channel_id))


routes = [
    get_feed,
    get_video,
    get_video_reactions,
    like,
    unlike,
    get_own_channels,
    create_channel,
    update_channel,
    get_one_channel,
    get_channel_videos,
    follow,
    unfollow,
]
