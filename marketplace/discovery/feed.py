"""The feed: published videos a viewer may see, with their cards and claims.

In the order of `ranking.py`, by (instant, id), which is stable for cursors. A channel's own videos, those of channels that one
follows and those that words were asked for come newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    Uuid,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, bounded, cut, decode, newest_first
from marketplace.channels.models import Channel
from marketplace.discovery.cards import Card, ClaimView, cards_of, claims_of_videos
from marketplace.discovery.ranking import FITS_H, FOLLOWED_H, Taste, Why, explain
from marketplace.discovery.taste import taste_of
from marketplace.placements.models import Placement
from marketplace.response_cards.queries import ShownCard, shown_cards
from marketplace.search_index.found_by_words import found_by_words
from marketplace.videos.access import is_public, listed_to, watchable_by
from marketplace.videos.captions.edit_captions import CaptionTrack, tracks_of
from marketplace.videos.models import Video, media_version
from marketplace.videos.set_chapters import Chapter, chapters_of


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A video as a viewer meets it. `media_version` changes with the bytes, `followed` is the acting person's own.

    `why`: the reasons for its place in the feed.
    """

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
    why: tuple[Why, ...] = ()
    response_cards: tuple[ShownCard, ...] = ()


def list_feed(
    uow: UnitOfWork,
    *,
    cursor: str | None = None,
    limit: int = 20,
    query: str | None = None,
    channel_id: UUID | None = None,
    followed_only: bool = False,
) -> Page[FeedItem]:
    """One page of the feed, optionally of one channel, of followed channels, or of videos that have the words of `query`.

    Raises:
        Invalid: `cursor_invalid`.
    """
    taste = taste_of(uow)
    statement = _listed(uow)
    if channel_id is None and not followed_only and not query:
        return _ranked(uow, taste, cursor, limit)
    if channel_id is not None:
        statement = statement.where(Video.channel_id == channel_id)
    if followed_only:
        statement = statement.where(Video.channel_id.in_(taste.followed))
    if query:
        statement = statement.where(Video.id.in_(found_by_words(uow, query, "video")))
    statement = newest_first(statement, Video.published_at, Video.id, cursor, limit)
    rows: list[tuple[Video, Channel]] = [(row[0], row[1]) for row in uow.session.execute(statement)]
    page = cut(rows, limit, lambda row: (row[0].published_at or row[0].created_at, row[0].id))
    return Page(_items(uow, page.items, taste), page.next_cursor)


def get_feed_item(uow: UnitOfWork, video_id: UUID) -> FeedItem:
    """One published video as a viewer meets it who has its link. Raises NotFound(`video_not_found`)."""
    row = _find_watchable(uow, video_id)
    if row is None:
        raise NotFound("video_not_found")
    return _items(uow, [(row[0], row[1])], taste_of(uow))[0]


def list_feed_items_by_id(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, FeedItem]:
    """Those of these videos that are listed to the acting principal, by id."""
    if not video_ids:
        return {}
    rows = uow.session.execute(_listed(uow).where(Video.id.in_(list(video_ids))))
    return {item.id: item for item in _items(uow, [(row[0], row[1]) for row in rows], taste_of(uow))}


def get_placed(uow: UnitOfWork, placement_id: UUID) -> tuple[FeedItem, Card]:
    """A card that is on sale, and the published video it is in. Raises NotFound(`placement_not_found`)."""
    video_id = uow.session.scalar(
        select(Placement.video_id).where(Placement.id == placement_id, Placement.removed_at.is_(None))
    )
    row = _find_watchable(uow, video_id) if video_id is not None else None
    if row is None:
        raise NotFound("placement_not_found")
    item = _items(uow, [(row[0], row[1])], taste_of(uow))[0]
    card = next((card for card in item.cards if card.placement_id == placement_id), None)
    if card is None:
        raise NotFound("placement_not_found")
    return item, card


def _ranked(uow: UnitOfWork, taste: Taste, cursor: str | None, limit: int) -> Page[FeedItem]:
    """One page of everything there is. Raises Invalid(`cursor_invalid`)."""
    size = bounded(limit)
    if taste.is_neutral():
        statement = newest_first(_listed(uow).add_columns(Video.ranked_at), Video.ranked_at, Video.id, cursor, limit)
    else:
        best = _best(uow, taste, decode(cursor) if cursor else None, size + 1)
        statement = (
            _listed(uow)
            .add_columns(best.c.rank)
            .join(best, best.c.id == Video.id)
            .order_by(best.c.rank.desc(), Video.id.desc())
        )
    rows = [(row[0], row[1], row[2]) for row in uow.session.execute(statement)]
    page = cut(rows, limit, lambda row: (row[2], row[0].id))
    return Page(_items(uow, [row[:2] for row in page.items], taste), page.next_cursor)


def _best(uow: UnitOfWork, taste: Taste, after: tuple[datetime, UUID] | None, most: int) -> Any:
    """The next videos for a taste, at most so many, with the instant by which each stands.

    Each kind of video is moved by the same hours, so that an index has it in its order already: of each channel followed,
    of each category, and of everything else, no more is read than fits on the page. Of everything else nothing is looked at
    that a page full of the others would stand before.
    """

    def stream(hours: int, *conditions: ColumnElement[bool]) -> Any:
        moved = timedelta(hours=hours)
        found = select(Video.id, (Video.ranked_at + moved).label("rank")).where(listed_to(uow.principal), *conditions)
        if after is not None:
            found = found.where(tuple_(Video.ranked_at, Video.id) < tuple_(after[0] - moved, after[1]))
        return found.limit(most)

    followed, interests = sorted(taste.followed), sorted(taste.interests)
    unfollowed = Video.channel_id.not_in(followed)
    other = or_(Video.category.is_(None), Video.category.not_in(interests))
    streams = []
    if followed:
        streams.append(_each(followed, Uuid, lambda channel: _of_one(stream(FOLLOWED_H, Video.channel_id == channel))))
    if interests:
        streams.append(_each(interests, Text, lambda kind: _of_one(stream(FITS_H, Video.category == kind, unfollowed))))
    moved = union_all(*(select(one.subquery()) for one in streams)).cte("moved")
    page_full = select(moved.c.rank).order_by(moved.c.rank.desc()).offset(most - 1).limit(1).scalar_subquery()
    least = func.coalesce(page_full, literal_column("'-infinity'::timestamptz"))
    rest = stream(0, unfollowed, other, Video.ranked_at >= least)
    rest = rest.order_by(Video.ranked_at.desc(), Video.id.desc())
    found = union_all(select(moved), select(rest.subquery())).subquery("found")
    return select(found).order_by(found.c.rank.desc(), found.c.id.desc()).limit(most).subquery("best")


def _of_one(found: Any) -> Any:
    """In the order of the indexes that begin with a channel or a category, and of no other.

    Where nulls would stand differs from the index of all videos: who looks for a rare category there reads all of it.
    """
    return found.order_by(Video.ranked_at.desc().nulls_last(), Video.id.desc())


def _each(values: Sequence[Any], kind: Any, of: Callable[[ColumnElement[Any]], Any]) -> Any:
    """What `of` finds for each of the values."""
    one = func.unnest(cast(literal(values, ARRAY(kind)), ARRAY(kind))).table_valued(column("value", kind), name="one")
    one = one.render_derived()
    inner = of(one.c.value).correlate(one).lateral("inner")
    return select(inner.c.id, inner.c.rank).select_from(one).join(inner, true())


def _videos() -> Any:
    return select(Video, Channel).join(Channel, Channel.id == Video.channel_id)


def _listed(uow: UnitOfWork) -> Any:
    return _videos().where(listed_to(uow.principal))


def _find_watchable(uow: UnitOfWork, video_id: UUID) -> Any:
    return uow.session.execute(_videos().where(watchable_by(uow.principal), Video.id == video_id)).first()


def _items(uow: UnitOfWork, found: Sequence[tuple[Video, Channel]], taste: Taste) -> list[FeedItem]:
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
            followed=channel.id in taste.followed,
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
            response_cards=shown_cards(video),
            why=explain(
                taste,
                channel.id,
                video.category,
                outcome_h=video.outcome_h,
                newcomer_h=video.newcomer_h,
                crowding_h=video.crowding_h,
            ),
        )
        for video, channel in found
    ]
