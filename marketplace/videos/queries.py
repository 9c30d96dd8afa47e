"""Reads about videos for the organization that posts them, and the bytes' whereabouts for whoever may watch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.attribution.models import Touchpoint
from marketplace.discovery.cards import Card, ClaimView, cards_of, claims_of_videos
from marketplace.discovery.feed import media_version
from marketplace.placements.models import Placement
from marketplace.videos.access import seen_by
from marketplace.videos.models import Video
from marketplace.videos.publish_video import Blocker, publication_blockers


@dataclass(frozen=True, slots=True)
class VideoRow:
    """A video in its owner's list. `views` counts distinct views ever recorded."""

    id: UUID
    channel_id: UUID
    title: str
    title_en: str
    state: str
    visibility: str
    duration_ms: int | None
    width: int | None
    height: int | None
    has_cover: bool
    media_version: str
    placements: int
    views: int
    refused_code: str | None
    refused_params: dict[str, Any] | None
    published_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VideoDetail:
    """A video with everything its owner works on. `blockers` say why it cannot be published yet."""

    row: VideoRow
    description: str
    description_en: str
    file_name: str | None
    media_type: str | None
    media_bytes: int | None
    video_codec: str | None
    audio_codec: str | None
    cards: tuple[Card, ...]
    claims: tuple[ClaimView, ...]
    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True)
class Media:
    """Where a video's bytes and cover lie, and whether anybody at all may have them."""

    video_id: UUID
    key: str
    cover_key: str | None
    media_type: str
    size_bytes: int
    sha256: str
    version: str
    is_public: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a video went, by recorded events of others and of its own organization alike."""

    impressions: int
    views: int
    card_clicks: int
    leads: int


@dataclass(frozen=True, slots=True)
class Glance:
    """As much of a video as a list of something else shows of it."""

    id: UUID
    title: str
    title_en: str
    duration_ms: int
    has_cover: bool
    media_version: str
    is_public: bool


def list_own_videos(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, state: str | None = None
) -> Page[VideoRow]:
    """The acting organization's videos, newest first. Raises Invalid(`cursor_invalid`)."""
    statement = select(Video).where(Video.org_id == uow.principal.organization())
    if state is not None:
        statement = statement.where(Video.state == state)
    statement = newest_first(statement, Video.created_at, Video.id, cursor, limit)
    page = cut(list(uow.session.scalars(statement)), limit, lambda video: (video.created_at, video.id))
    return Page(_rows(uow, list(page.items)), page.next_cursor)


def get_own_video(uow: UnitOfWork, video_id: UUID) -> VideoDetail:
    """One of the acting organization's videos in any state. Raises NotFound(`video_not_found`)."""
    video = uow.session.scalar(select(Video).where(Video.id == video_id, Video.org_id == uow.principal.organization()))
    if video is None:
        raise NotFound("video_not_found")
    blockers = () if video.state == "published" else tuple(publication_blockers(uow, video))
    return VideoDetail(
        row=_rows(uow, [video])[0],
        description=video.description,
        description_en=video.description_en,
        file_name=video.file_name,
        media_type=video.media_type,
        media_bytes=video.media_bytes,
        video_codec=video.video_codec,
        audio_codec=video.audio_codec,
        cards=cards_of(uow, [video.id], only_on_sale=False).get(video.id, ()),
        claims=claims_of_videos(uow, [video.id]).get(video.id, ()),
        blockers=blockers,
    )


def find_media(uow: UnitOfWork, video_id: UUID, *, by_link: bool = False) -> Media:
    """Where the bytes lie, for whoever may watch. `by_link`: a signed, unexpired address vouches for the reader.

    Raises:
        NotFound: `video_not_found`: none the principal may watch, or no playable bytes yet.
    """
    statement = select(Video).where(Video.id == video_id, Video.duration_ms.is_not(None))
    if not by_link:
        statement = statement.where(seen_by(uow.principal))
    video = uow.session.scalar(statement)
    if video is None or video.media_key is None or video.media_sha256 is None:
        raise NotFound("video_not_found")
    return Media(
        video_id=video.id,
        key=video.media_key,
        cover_key=video.cover_key,
        media_type=video.media_type or "application/octet-stream",
        size_bytes=video.media_bytes or 0,
        sha256=video.media_sha256,
        version=media_version(video),
        is_public=video.state == "published" and video.visibility == "public",
    )


def get_reach(uow: UnitOfWork, video_id: UUID) -> Reach:
    """The first steps of the funnel of one's own video. Raises NotFound(`video_not_found`)."""
    org_id = uow.principal.organization()
    if uow.session.scalar(select(Video.id).where(Video.id == video_id, Video.org_id == org_id)) is None:
        raise NotFound("video_not_found")
    rows = uow.session.execute(
        select(Touchpoint.kind, func.count().label("number"))
        .where(Touchpoint.channel_org_id == org_id, Touchpoint.video_id == video_id)
        .group_by(Touchpoint.kind)
    )
    counts = {row.kind: row.number for row in rows}
    return Reach(counts.get("impression", 0), counts.get("view", 0), counts.get("card_click", 0), counts.get("lead", 0))


def reach_of_videos(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, Reach]:
    """How far videos went, on the acting organization's channels or by links its members shared; by video."""
    org_id = uow.principal.organization()
    rows = uow.session.execute(
        select(Touchpoint.video_id, Touchpoint.kind, func.count().label("number"))
        .where(
            Touchpoint.video_id.in_(list(video_ids)),
            or_(Touchpoint.channel_org_id == org_id, Touchpoint.sharer_org_id == org_id),
        )
        .group_by(Touchpoint.video_id, Touchpoint.kind)
    )
    counts: dict[UUID, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row.video_id, {})[row.kind] = row.number
    return {
        video_id: Reach(
            found.get("impression", 0), found.get("view", 0), found.get("card_click", 0), found.get("lead", 0)
        )
        for video_id, found in counts.items()
    }


def glances_of(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, Glance]:
    """Titles and covers of the videos among these that the principal may watch, by id."""
    rows = uow.session.scalars(select(Video).where(Video.id.in_(list(video_ids)), seen_by(uow.principal)))
    return {
        video.id: Glance(
            id=video.id,
            title=video.title,
            title_en=video.title_en,
            duration_ms=video.duration_ms or 0,
            has_cover=video.cover_key is not None,
            media_version=media_version(video),
            is_public=video.state == "published" and video.visibility == "public",
        )
        for video in rows
    }


def _rows(uow: UnitOfWork, videos: list[Video]) -> list[VideoRow]:
    ids = [video.id for video in videos]
    org_ids = {video.org_id for video in videos}
    placements = {
        row.video_id: row.number
        for row in uow.session.execute(
            select(Placement.video_id, func.count().label("number"))
            .where(Placement.org_id.in_(org_ids), Placement.video_id.in_(ids), Placement.removed_at.is_(None))
            .group_by(Placement.video_id)
        )
    }
    views = {
        row.video_id: row.number
        for row in uow.session.execute(
            select(Touchpoint.video_id, func.count().label("number"))
            .where(Touchpoint.channel_org_id.in_(org_ids), Touchpoint.video_id.in_(ids), Touchpoint.kind == "view")
            .group_by(Touchpoint.video_id)
        )
    }
    return [
        VideoRow(
            id=video.id,
            channel_id=video.channel_id,
            title=video.title,
            title_en=video.title_en,
            state=video.state,
            visibility=video.visibility,
            duration_ms=video.duration_ms,
            width=video.width,
            height=video.height,
            has_cover=video.cover_key is not None,
            media_version=media_version(video),
            placements=placements.get(video.id, 0),
            views=views.get(video.id, 0),
            refused_code=video.refused_code,
            refused_params=video.refused_params,
            published_at=video.published_at,
            created_at=video.created_at,
        )
        for video in videos
    ]
