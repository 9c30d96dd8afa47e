"""The feed: published videos a viewer may see, newest first, with their cards and claims.

Newest first by (published_at, id): a stable order for cursors, in which a new channel shows at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.channels.models import Channel
from marketplace.channels.queries import followed_by
from marketplace.discovery.cards import Card, ClaimView, cards_of, claims_of_videos
from marketplace.placements.models import Placement
from marketplace.videos.access import is_public, listed_to, watchable_by
from marketplace.videos.captions.edit_captions import CaptionTrack, tracks_of
from marketplace.videos.models import Video, media_version
from marketplace.videos.set_chapters import Chapter, chapters_of


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A video as a viewer meets it. `media_version` changes with the bytes, `followed` is the acting person's own."""

    id: UUID
    org_id: UUID
    title: str
    title_en: str
    description: str
    description_en: str
    visibility: str
    is_public: bool
    channel_id: UUID
    channel_handle: str
    channel_name: str
    channel_name_en: str
    followed: bool
    duration_ms: int
    width: int
    height: int
    media_type: str
    media_version: str
    published_at: datetime
    captions: tuple[CaptionTrack, ...]
    chapters: tuple[Chapter, ...]
    cards: tuple[Card, ...]
    claims: tuple[ClaimView, ...]


def list_feed(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    query: str | None = None,
    channel_id: UUID | None = None,
    followed_only: bool = False,
) -> Page[FeedItem]:
    """One page of the feed, optionally of one channel, of followed channels, or of videos whose words hold `query`.

    Raises:
        Invalid: `cursor_invalid`.
    """
    followed = followed_by(uow)
    statement = _videos().where(listed_to(uow.principal))
    if channel_id is not None:
        statement = statement.where(Video.channel_id == channel_id)
    if followed_only:
        statement = statement.where(Video.channel_id.in_(followed))
    for word in (query or "").split()[:8]:
        columns = (Video.title, Video.title_en, Video.description, Video.description_en, Channel.name, Channel.name_en)
        statement = statement.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    statement = newest_first(statement, Video.published_at, Video.id, cursor, limit)
    rows: list[tuple[Video, Channel]] = [(row[0], row[1]) for row in uow.session.execute(statement)]
    page = cut(rows, limit, lambda row: (row[0].published_at or row[0].created_at, row[0].id))
    return Page(_items(uow, page.items, followed), page.next_cursor)


def get_feed_item(uow: UnitOfWork, video_id: UUID) -> FeedItem:
    """One published video as a viewer meets it who has its link. Raises NotFound(`video_not_found`)."""
    row = _find_watchable(uow, video_id)
    if row is None:
        raise NotFound("video_not_found")
    return _items(uow, [(row[0], row[1])], followed_by(uow))[0]


def list_feed_items_by_id(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, FeedItem]:
    """Those of these videos that are listed to the acting principal, by id."""
    if not video_ids:
        return {}
    rows = uow.session.execute(_videos().where(listed_to(uow.principal), Video.id.in_(list(video_ids))))
    return {item.id: item for item in _items(uow, [(row[0], row[1]) for row in rows], followed_by(uow))}


def get_placed(uow: UnitOfWork, placement_id: UUID) -> tuple[FeedItem, Card]:
    """A card that is on sale, and the published video it is in. Raises NotFound(`placement_not_found`)."""
    video_id = uow.session.scalar(
        select(Placement.video_id).where(Placement.id == placement_id, Placement.removed_at.is_(None))
    )
    row = _find_watchable(uow, video_id) if video_id is not None else None
    if row is None:
        raise NotFound("placement_not_found")
    item = _items(uow, [(row[0], row[1])], followed_by(uow))[0]
    card = next((card for card in item.cards if card.placement_id == placement_id), None)
    if card is None:
        raise NotFound("placement_not_found")
    return item, card


def _videos() -> Any:
    return select(Video, Channel).join(Channel, Channel.id == Video.channel_id)


def _find_watchable(uow: UnitOfWork, video_id: UUID) -> Any:
    return uow.session.execute(_videos().where(watchable_by(uow.principal), Video.id == video_id)).first()


def _items(uow: UnitOfWork, found: Sequence[tuple[Video, Channel]], followed: frozenset[UUID]) -> list[FeedItem]:
    ids = [video.id for video, _ in found]
    cards, claims = cards_of(uow, ids), claims_of_videos(uow, ids)
    return [
        FeedItem(
            id=video.id,
            org_id=video.org_id,
            title=video.title,
            title_en=video.title_en,
            description=video.description,
            description_en=video.description_en,
            visibility=video.visibility,
            is_public=is_public(video),
            channel_id=channel.id,
            channel_handle=channel.handle,
            channel_name=channel.name,
            channel_name_en=channel.name_en,
            followed=channel.id in followed,
            duration_ms=video.duration_ms or 0,
            width=video.width or 0,
            height=video.height or 0,
            media_type=video.media_type or "video/mp4",
            media_version=media_version(video),
            published_at=video.published_at or video.created_at,
            captions=tracks_of(video),
            chapters=chapters_of(video),
            cards=cards.get(video.id, ()),
            claims=tuple(claim for claim in claims.get(video.id, ()) if claim.kept),
        )
        for video, channel in found
    ]
