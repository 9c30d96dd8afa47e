"""Reads about videos for the organization that posts them, and the bytes' whereabouts for whoever may watch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.videos.access import is_public, visible_to
from marketplace.videos.models import Video, media_version


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
    captions: Mapping[str, str]
    """SHA-256 by language; they lie under `captions_key`."""


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """As much of a video as a list of something else shows of it."""

    id: UUID
    title: str
    title_en: str
    duration_ms: int
    has_cover: bool
    media_version: str
    is_public: bool


def find_media(uow: UnitOfWork, video_id: UUID, *, by_link: str | None = None) -> Media:
    """Where the bytes lie, for whoever may watch. `by_link`: what a signed, unexpired address carries, which
    vouches for the reader for as long as the video has the same readers.

    Raises:
        NotFound: `video_not_found`: none the principal may watch, or no playable bytes yet.
    """
    statement = select(Video).where(Video.id == video_id, Video.duration_ms.is_not(None))
    if by_link is None:
        statement = statement.where(visible_to(uow.principal))
    video = uow.session.scalar(statement)
    if video is None or video.media_key is None or video.media_sha256 is None:
        raise NotFound("video_not_found")
    if by_link is not None and by_link != media_version(video):
        raise NotFound("video_not_found")
    return Media(
        video_id=video.id,
        key=video.media_key,
        cover_key=video.cover_key,
        media_type=video.media_type or "application/octet-stream",
        size_bytes=video.media_bytes or 0,
        sha256=video.media_sha256,
        version=media_version(video),
        is_public=is_public(video),
        captions=video.captions,
    )


def summaries_of(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, VideoSummary]:
    """Titles and covers of the videos among these that the principal may watch, by id."""
    rows = uow.session.scalars(select(Video).where(Video.id.in_(list(video_ids)), visible_to(uow.principal)))
    return {
        video.id: VideoSummary(
            id=video.id,
            title=video.title,
            title_en=video.title_en,
            duration_ms=video.duration_ms or 0,
            has_cover=video.cover_key is not None,
            media_version=media_version(video),
            is_public=is_public(video),
        )
        for video in rows
    }
