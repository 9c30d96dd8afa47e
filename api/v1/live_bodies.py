"""What is said of live sessions, and to those who host them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta
from pydantic import ConfigDict, Field

from api.context import Services
from api.live_streams import live_stream
from api.media_addresses import cover_address, media_address
from api.schema import MoneyOut, Out, UtcIn, Wire
from kernel.db.uow import UnitOfWork
from kernel.outbound.urls import MAX_URL_LENGTH
from marketplace.live.queries import LiveRoom, LiveSessionView
from marketplace.live.save_session import MAX_DESCRIPTION, MAX_PARTNERS, MAX_TITLE, SaveLiveSession
from marketplace.live.shelf import MAX_ITEMS
from marketplace.live.shelf_items import LiveItemView, LiveSpan
from marketplace.live.streams import LEAST_MINUTES, MOST_MINUTES, StreamPlan
from marketplace.relations.partner_groups import PartnerGroups
from marketplace.relations.save_tier import MOST_TIERS
from orders.coupons.live_price import LivePrice, live_prices


class LiveStreamIn(Wire):
    """A stream (HLS, RFC 8216) of a host that this installation names; its viewers' browsers fetch it there."""

    url: Annotated[str, Field(min_length=1, max_length=MAX_URL_LENGTH, description="Of the playlist, `….m3u8`")]
    minutes: Annotated[int, Field(strict=True, ge=LEAST_MINUTES, le=MOST_MINUTES)] = Field(
        description="After so many the session ends by itself"
    )
    channel_id: UUID | None = Field(
        default=None, description="Whose session it is; null: the organization's first channel"
    )


class LiveRecordingIn(Wire):
    """The film that is a stream's replay: it begins when the session did."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"video_id": "019aa5f0-5c00-7000-8000-000000000002"}]})

    video_id: UUID


class LiveSessionIn(Wire):
    """What is shown when, and for whom: an examined film of a channel of one's own, published or not; or a stream."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "video_id": "019aa5f0-5c00-7000-8000-000000000002",
                    "title": "秋招专场：一屏管完校招",
                    "title_en": "Campus recruiting, live",
                    "starts_at": "2026-10-09T12:00:00Z",
                    "visibility": "public",
                },
                {
                    "stream": {"url": "https://live.example.com/hiring/index.m3u8", "minutes": 90},
                    "title": "新品发布会",
                    "title_en": "Launch, live",
                    "starts_at": "2026-10-09T12:00:00Z",
                },
            ]
        }
    )

    video_id: UUID | None = Field(default=None, description="What is played; null where `stream` is shown")
    stream: LiveStreamIn | None = None
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    title_en: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION)] = ""
    description_en: Annotated[str, Field(max_length=MAX_DESCRIPTION)] = ""
    starts_at: UtcIn
    visibility: Literal["public", "unlisted", "partners", "internal"] = Field(
        default="public", description="As a video's; never more readers than the film has"
    )
    partner_ids: Annotated[list[UUID], Field(max_length=MAX_PARTNERS)] = Field(
        default_factory=list, description="Who sees it while it is for partners"
    )
    all_partners: bool = Field(default=False, description="And whoever is a partner of one's own by a link")
    partner_tier_ids: Annotated[list[UUID], Field(max_length=MOST_TIERS)] = Field(
        default_factory=list, description="And whoever is one in these tiers"
    )

    def command(self) -> SaveLiveSession:
        """As the verb takes it."""
        rest = self.model_dump(exclude={"all_partners", "partner_tier_ids", "stream"})
        stream = StreamPlan(**self.stream.model_dump()) if self.stream is not None else None
        return SaveLiveSession(**rest, groups=PartnerGroups(self.all_partners, self.partner_tier_ids), stream=stream)


class LiveItemIn(Wire):
    """A plan that is on sale, of whichever seller."""

    plan_id: UUID


class LiveOrderIn(Wire):
    """All items of the shelf, in the order that they are to have."""

    item_ids: Annotated[list[UUID], Field(max_length=MAX_ITEMS)]


class LiveExplainIn(Wire):
    """The item of the shelf that is explained from now on."""

    item_id: UUID


class LivePriceIn(Wire):
    """What is off an order of the item while the session runs: a share, or an amount in the plan's currency; one of both."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"percent_ppm": 200_000, "places": 50}]})

    percent_ppm: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    amount: Annotated[int, Field(strict=True, ge=1)] | None = Field(default=None, description="Minor units")
    places: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        default=None, description="Orders that it is for; null: any number"
    )


class LivePriceOut(Out):
    """A live price. A place is taken by an order, and given back when that ends unpaid."""

    percent_ppm: int | None
    amount: MoneyOut | None
    places: int | None
    left: Annotated[int | None, Meta(description="Places that nobody holds")]

    @classmethod
    def of(cls, price: LivePrice) -> LivePriceOut:
        """From the query's row."""
        amount = None
        if price.amount_minor is not None and price.currency is not None:
            amount = MoneyOut.of(price.amount_minor, price.currency)
        return cls.of_row(price, amount=amount)


class LiveItemOut(Out):
    """A plan on the shelf. The price is for one `price_unit`."""

    id: UUID
    position: int
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    title: str
    title_en: str
    plan_id: UUID
    plan_code: str
    plan_name: str
    plan_name_en: str
    pricing: str
    price_unit: str
    unit_price: MoneyOut
    min_seats: int
    sold_by_seat: bool
    on_sale: Annotated[bool, Meta(description="What is not can neither be bought nor explained")]
    explained_now: bool
    spans: Annotated[
        Sequence[LiveSpan], Meta(description="When it was explained, in milliseconds since the session began")
    ]

    live_price: Annotated[
        LivePriceOut | None, Meta(description="What a quote that names the session is reduced by while that runs")
    ]

    @classmethod
    def of(cls, item: LiveItemView, price: LivePrice | None) -> LiveItemOut:
        """From the query's row."""
        return cls.of_row(item, live_price=LivePriceOut.of(price) if price is not None else None)


class LiveSessionOut(Out):
    """A session in a list. `media_url` while there is something to see: one's player goes to `position_ms` of it."""

    id: UUID
    org_id: UUID
    channel_id: UUID
    channel_name: str
    channel_name_en: str
    video_id: Annotated[UUID | None, Meta(description="Null: it is streamed, and has no recording (yet)")]
    title: str
    title_en: str
    description: str
    description_en: str
    visibility: str
    partner_ids: Annotated[Sequence[UUID], Meta(description="Told to its own organization alone, as the next two are")]
    all_partners: bool
    partner_tier_ids: Sequence[UUID]
    state: Annotated[str, Meta(description="scheduled, live, ended or cancelled")]
    starts_at: datetime
    started_at: datetime | None
    ends_at: Annotated[datetime | None, Meta(description="When its film is over")]
    ended_at: datetime | None
    sequence: Annotated[int, Meta(description="Grows with whatever its viewers are to see anew")]
    position_ms: Annotated[int, Meta(description="Where it is now; of an ended one how long it was")]
    duration_ms: int | None
    media_url: str | None
    stream_url: Annotated[
        str | None,
        Meta(description="The playlist (HLS) of a stream while it runs; told to its own organization before, too"),
    ]
    stream_ms: Annotated[int | None, Meta(description="Of a stream: how long at most")]
    cover_url: str | None
    reminded: Annotated[bool, Meta(description="Whether whoever asks is reminded of it")]

    @classmethod
    def of(cls, services: Services, row: LiveSessionView) -> LiveSessionOut:
        """From the query's row, with the film's addresses."""
        return cls.of_row(
            row,
            all_partners=row.groups.everybody,
            partner_tier_ids=row.groups.tier_ids,
            duration_ms=row.film.duration_ms if row.film else None,
            media_url=live_media(services, row),
            stream_url=live_stream(services, row),
            cover_url=live_cover(services, row),
        )


class LiveRoomOut(Out):
    """A session with its shelf."""

    session: LiveSessionOut
    items: list[LiveItemOut]

    @classmethod
    def of(cls, services: Services, uow: UnitOfWork, room: LiveRoom) -> LiveRoomOut:
        """From the query's rows, with the live prices of its items."""
        prices = live_prices(uow, room.session.id)
        return cls(
            session=LiveSessionOut.of(services, room.session),
            items=[LiveItemOut.of(one, prices.get(one.id)) for one in room.items],
        )


def live_media(services: Services, row: LiveSessionView) -> str | None:
    """Where the bytes are of what runs or is to be seen again; signed unless the film itself is public."""
    if row.film is None or row.state not in ("live", "ended"):
        return None
    return media_address(services, row.film.video_id, row.film.media_version, is_public=row.film.is_public)


def live_cover(services: Services, row: LiveSessionView) -> str | None:
    """Where the cover is."""
    if row.film is None or not row.film.has_cover:
        return None
    return cover_address(services, row.film.video_id, row.film.media_version, is_public=row.film.is_public, width=960)
