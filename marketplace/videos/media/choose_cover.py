"""Somebody chooses what stands for a video before it plays; the cover is made by a worker."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from marketplace.videos.access import lock_own_video
from marketplace.videos.models import Video

COVER = "marketplace.video.cover"
"""The kind of job that makes a cover."""
MAX_PICTURE_BYTES = 10_000_000
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")


@dataclass(frozen=True, slots=True)
class ChooseCover:
    """The picture shown at `at_ms` of the film, or the one stored under `picture_key`: one of the two."""

    video_id: UUID
    at_ms: int | None = None
    picture_key: str | None = None


def choose_cover(uow: UnitOfWork, command: ChooseCover) -> UUID:
    """Let another cover be made; the one there is stays until then. What was asked for before is forgotten.

    Raises:
        NotFound: `video_not_found`. Conflict: `video_not_ready`: it has no film yet.
        Invalid: `cover_beyond_end`.

    Locks: the video. Enqueues: the making.
    """
    video = lock_own_video(uow, command.video_id)
    require_film(video)
    if command.at_ms is not None and not 0 <= command.at_ms < (video.duration_ms or 0):
        raise Invalid("cover_beyond_end", field="at_ms")
    request_id = uuid7()
    video.cover_request_id, video.cover_refused_code = request_id, None
    payload = {
        "video_id": str(video.id),
        "request_id": str(request_id),
        "at_ms": command.at_ms,
        "picture_key": command.picture_key,
    }
    enqueue(uow, COVER, payload, dedupe_key=str(request_id))
    uow.flush()
    return request_id


def require_film(video: Video) -> None:
    """Raises Conflict(`video_not_ready`) where the video has no film that was examined."""
    if video.duration_ms is None:
        raise Conflict("video_not_ready", state=video.state)


def check_picture(beginning: bytes) -> None:
    """Refuse at once what does not even begin as a picture does. Raises Invalid(`cover_not_a_picture`)."""
    if not beginning.startswith(_SIGNATURES):
        raise Invalid("cover_not_a_picture", field="file")
