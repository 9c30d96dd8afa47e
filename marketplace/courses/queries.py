"""Reads about courses: what they consist of. Who may watch is asked in `fulfillment.courses`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import Select, select

from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from marketplace.courses.models import CourseEpisode
from marketplace.videos.models import Video

PLAYABLE = ("ready", "published", "withdrawn")
"""States of a video that is watched as an episode: it need not show in any feed."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One part of a course. `is_playable`: there is a file to watch at the moment."""

    video_id: UUID
    org_id: UUID
    number: int
    title: str
    title_en: str
    is_preview: bool
    duration_ms: int
    is_playable: bool
    captions: tuple[str, ...]
    """Languages."""


def episodes_of(uow: UnitOfWork, listing_id: UUID) -> tuple[Episode, ...]:
    """The parts of a course in their order, for a caller that has decided who asks: a video that is its seller's own is
    nobody else's row.
    """
    with reading_as_platform(uow):
        rows = uow.session.execute(_episodes().where(CourseEpisode.listing_id == listing_id)).all()
    return tuple(_episode(row.CourseEpisode, row.Video) for row in rows)


def find_episode(uow: UnitOfWork, listing_id: UUID, video_id: UUID) -> Episode | None:
    """As `episodes_of`, of one."""
    wanted = _episodes().where(CourseEpisode.listing_id == listing_id, CourseEpisode.video_id == video_id)
    with reading_as_platform(uow):
        row = uow.session.execute(wanted).first()
    return _episode(row.CourseEpisode, row.Video) if row is not None else None


def is_sold_episode(uow: UnitOfWork, video_id: UUID) -> bool:
    """Whether a course sells the video: it is an episode and no free preview."""
    sold = select(CourseEpisode.id).where(CourseEpisode.video_id == video_id, ~CourseEpisode.is_preview)
    return uow.session.scalar(sold.limit(1)) is not None


def course_hash(episodes: Iterable[Episode]) -> str:
    """What a writer had before them, to be sent back with a change."""
    said = [[str(one.video_id), one.title, one.title_en, one.is_preview] for one in episodes]
    return sha256(json.dumps(said).encode()).hexdigest()[:16]


def _episodes() -> Select[CourseEpisode, Video]:
    return select(CourseEpisode, Video).join(Video, Video.id == CourseEpisode.video_id).order_by(CourseEpisode.position)


def _episode(row: CourseEpisode, video: Video) -> Episode:
    return Episode(
        video_id=row.video_id,
        org_id=row.org_id,
        number=row.position,
        title=row.title,
        title_en=row.title_en,
        is_preview=row.is_preview,
        duration_ms=video.duration_ms or 0,
        is_playable=video.state in PLAYABLE and bool(video.duration_ms),
        captions=tuple(sorted(video.captions)),
    )
