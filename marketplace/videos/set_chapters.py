"""Chapters of a video: where its parts begin, and what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.input_text import line
from marketplace.videos.access import lock_own_video
from marketplace.videos.models import Video

MAX_CHAPTERS = 50
MAX_TITLE = 80
MAX_MS = 600_000
"""Ten minutes: no video is longer."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a video: from `at_ms` up to where the next one begins. An empty English title takes the Chinese one."""

    at_ms: int
    title: str
    title_en: str = ""


def set_chapters(uow: UnitOfWork, video_id: UUID, chapters: Sequence[Chapter]) -> None:
    """Let these be the video's chapters, in place of those there were; none at all is well.

    Raises:
        NotFound: `video_not_found`.
        Invalid: `too_many_chapters`; `text_required`, `text_too_long`; `chapter_times`, `chapter_beyond_end` and
            `chapter_unreadable` with the `number` of the chapter.

    Locks: the video.
    """
    video = lock_own_video(uow, video_id)
    if len(chapters) > MAX_CHAPTERS:
        raise Invalid("too_many_chapters", field="chapters", most=MAX_CHAPTERS)
    end_ms, last_ms = video.duration_ms or MAX_MS, -1
    kept: list[Chapter] = []
    for number, chapter in enumerate(chapters, 1):
        if chapter.at_ms <= last_ms:
            raise Invalid("chapter_times", field="chapters", number=number)
        if chapter.at_ms >= end_ms:
            raise Invalid("chapter_beyond_end", field="chapters", number=number)
        title = line("chapters", chapter.title, MAX_TITLE)
        title_en = line("chapters", chapter.title_en or title, MAX_TITLE)
        # Between two languages on a line that somebody types.
        if "|" in title + title_en:
            raise Invalid("chapter_unreadable", field="chapters", number=number)
        kept.append(Chapter(chapter.at_ms, title, title_en))
        last_ms = chapter.at_ms
    video.chapters = [asdict(chapter) for chapter in kept]
    uow.flush()


def chapters_of(video: Video) -> tuple[Chapter, ...]:
    """The video's chapters in their order."""
    return tuple(Chapter(**chapter) for chapter in video.chapters)
