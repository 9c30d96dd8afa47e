"""A video's file has arrived in the object store; here it becomes the video's, to be examined."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.jobs.outbox import emit, enqueue
from kernel.storage import StoredObject
from kernel.text import plain_text
from marketplace.videos.access import lock_own_video
from marketplace.videos.events import VideoUploaded
from marketplace.videos.models import VIDEO, MediaUpload, Video, key_of_upload

PROBE = "marketplace.video.probe"
"""The kind of job that examines an upload."""
MAX_BYTES = 2_000_000_000
"""2 GB: ten minutes, the longest video, at 26 Mbit/s."""
REPLACEABLE = frozenset({"draft", "refused", "ready"})
"""States of a video that takes a new file."""


@dataclass(frozen=True, slots=True)
class ReceiveMedia:
    """What was stored, and what its uploader called it (for messages, never for a path).

    Of what arrived in parts no SHA-256 is known yet: the examination writes a copy with one.
    """

    video_id: UUID
    stored: StoredObject
    file_name: str

    @classmethod
    def in_parts(cls, upload: MediaUpload) -> ReceiveMedia:
        """Of an upload whose bytes lie in its parts."""
        stored = StoredObject(key_of_upload(upload.video_id, upload.id), upload.size_bytes, "")
        return cls(upload.video_id, stored, upload.file_name)


def upload_key(video_id: UUID) -> str:
    """Where an upload is to be stored: a new place every time, so that a half-sent one harms nothing."""
    return f"uploads/{video_id}/{uuid7()}"


def check_uploadable(uow: UnitOfWork, video_id: UUID) -> None:
    """Refuse before a byte is read what would be refused after the last.

    Raises:
        NotFound: `video_not_found`.
        Conflict: `video_not_replaceable` (published, or still being examined).
    """
    video = lock_own_video(uow, video_id)
    if video.state not in REPLACEABLE:
        raise Conflict("video_not_replaceable", state=video.state)


def receive_media(uow: UnitOfWork, command: ReceiveMedia) -> Video:
    """Take the stored object as the video's media and let it be examined.

    Raises:
        NotFound: `video_not_found`.
        Conflict: `video_not_replaceable`.
        Invalid: `video_empty`.

    Emits: VideoUploaded. Locks: the video. Enqueues: the examination, once per stored object.
    """
    if command.stored.size_bytes == 0:
        raise Invalid("video_empty", field="file")
    video = lock_own_video(uow, command.video_id)
    if video.state not in REPLACEABLE:
        raise Conflict("video_not_replaceable", state=video.state)
    VIDEO.move(uow, video, "processing", org_ids=[video.org_id])
    video.file_name = plain_text(command.file_name)[:200] or None
    video.media_key = command.stored.key
    video.media_sha256 = command.stored.sha256 or None
    video.media_bytes = command.stored.size_bytes
    video.media_type = video.cover_key = video.video_codec = video.audio_codec = None
    video.cover_request_id = video.cover_refused_code = None
    video.duration_ms = video.width = video.height = None
    video.refused_code = video.refused_params = None
    emit(uow, VideoUploaded(video_id=video.id, org_id=video.org_id, size_bytes=command.stored.size_bytes))
    enqueue(uow, PROBE, {"video_id": str(video.id), "key": command.stored.key}, dedupe_key=command.stored.key)
    uow.flush()
    return video
