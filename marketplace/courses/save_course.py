"""A seller says which of its videos are the episodes of a course, in which order, and which of them are free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete

from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from marketplace.catalog.draft_listing import lock_own_listing
from marketplace.catalog.edit_draft import require_base
from marketplace.courses.models import CourseEpisode
from marketplace.courses.queries import PLAYABLE, course_hash, episodes_of
from marketplace.input_text import optional_line
from marketplace.videos.create_video import MAX_TITLE
from marketplace.videos.models import Video

MAX_EPISODES = 200


@dataclass(frozen=True, slots=True)
class EpisodeDraft:
    """A part of a course; without words of its own it has the video's."""

    video_id: UUID
    title: str = ""
    title_en: str = ""
    is_preview: bool = False


@dataclass(frozen=True, slots=True)
class SaveCourse:
    """All episodes of a course in their order; none: it is no course any more.

    `base` is the `course_hash` of what the writer had before them; None writes over whatever is there.
    """

    listing_id: UUID
    episodes: Sequence[EpisodeDraft]
    base: str | None = None


def save_course(uow: UnitOfWork, command: SaveCourse) -> None:
    """Let these be the course. They hold at once, for those who have a seat as well.

    Raises:
        NotFound: `listing_not_found`.
        Conflict: `course_not_service`: only a service product is one; `draft_changed`: another has saved since.
        Invalid: `too_many_episodes`; with the episode's `number`: `episode_unknown` (no playable video of one's own),
            `episode_twice`, `episode_not_internal` (a video that others may see is nothing to sell); `text_too_long`.

    Locks: the listing, its videos. Idempotent by: the content.
    """
    listing = lock_own_listing(uow, command.listing_id)
    if listing.kind != "service":
        raise Conflict("course_not_service")
    if len(command.episodes) > MAX_EPISODES:
        raise Invalid("too_many_episodes", field="episodes", limit=MAX_EPISODES)
    rows = _checked(uow, listing.org_id, command)
    present = episodes_of(uow, listing.id)
    if [_content(row) for row in rows] == [_content(one) for one in present]:
        return
    require_base(command.base, course_hash(present))
    uow.session.execute(delete(CourseEpisode).where(CourseEpisode.listing_id == listing.id))
    uow.session.add_all(rows)
    uow.flush()


def _checked(uow: UnitOfWork, org_id: UUID, command: SaveCourse) -> list[CourseEpisode]:
    videos = {video.id: video for video in lock_rows(uow.session, Video, [one.video_id for one in command.episodes])}
    rows: list[CourseEpisode] = []
    for number, one in enumerate(command.episodes, 1):
        video = videos.get(one.video_id)
        if video is None or video.org_id != org_id or video.state not in PLAYABLE:
            raise Invalid("episode_unknown", field="episodes", number=number)
        if any(row.video_id == one.video_id for row in rows):
            raise Invalid("episode_twice", field="episodes", number=number)
        if not one.is_preview and video.visibility != "internal":
            raise Invalid("episode_not_internal", field="episodes", number=number)
        title = optional_line("title", one.title, MAX_TITLE) or video.title
        title_en = optional_line("title_en", one.title_en, MAX_TITLE)
        rows.append(
            CourseEpisode(
                org_id=org_id,
                listing_id=command.listing_id,
                video_id=video.id,
                position=number,
                title=title,
                title_en=title_en or (title if one.title else video.title_en),
                is_preview=one.is_preview,
            )
        )
    return rows


def _content(one: object) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in ("video_id", "title", "title_en", "is_preview"))
