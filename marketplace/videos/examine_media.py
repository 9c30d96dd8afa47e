"""An uploaded file is opened, decoded and copied clean, in steps that hold no lock while foreign bytes are read.

The playing copy has the index first and nothing but one picture and one sound stream; the upload itself is deleted.
Run twice, it writes the same objects and finds its work done; another upload's are never written over. What dies in
between leaves objects to `sweep_media`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.jobs.outbox import emit
from kernel.jobs.runner import JobContext
from kernel.storage import Storage, StoredObject
from marketplace.videos.events import VideoReady, VideoRefused
from marketplace.videos.isolated import probe_isolated, remux_isolated
from marketplace.videos.models import Video
from marketplace.videos.probe import Probe
from marketplace.videos.states import VIDEO

_READ_BYTES = 256 * 1024
_TYPES = {"mp4": "video/mp4", "mov": "video/mp4", "webm": "video/webm"}


def examine_media(ctx: JobContext, storage: Storage, video_id: UUID, key: str) -> None:
    """Decide whether the upload `key` of a video is playable, and make its playing copy and cover.

    Emits: VideoReady or VideoRefused. Locks: the video, in its last step only.
    """
    file_name = ctx.transact(lambda uow: _awaited(uow, video_id, key))
    if file_name is None:
        return
    with tempfile.TemporaryDirectory(prefix="market-media-") as folder:
        upload, copy = Path(folder) / "upload", Path(folder) / "copy"
        with upload.open("wb") as out:
            for chunk in storage.stream(key):
                out.write(chunk)
        try:
            probe = probe_isolated(upload, name=file_name or None)
            remux_isolated(upload, copy)
        except Invalid as refusal:
            code, params = refusal.code, dict(refusal.params)
            ctx.transact(lambda uow: refuse(uow, video_id, key, code, params))
            storage.delete(key)
            return
        ending = "webm" if probe.container == "webm" else "mp4"
        place = f"media/{video_id}/{key.rpartition('/')[2]}"
        media = storage.put(f"{place}.{ending}", _chunks(copy))
        cover = storage.put_bytes(f"{place}.jpg", probe.cover_jpeg)
    ctx.transact(lambda uow: _conclude(uow, video_id, key, probe, media, cover.key))
    storage.delete(key)


def _awaited(uow: UnitOfWork, video_id: UUID, key: str) -> str | None:
    """The uploader's file name while this upload is still the one to examine, else None."""
    video = uow.session.get(Video, video_id)
    if video is None or video.state != "processing" or video.media_key != key:
        return None
    return video.file_name or ""


def refuse(uow: UnitOfWork, video_id: UUID, key: str, code: str, params: dict[str, object]) -> None:
    """Refuse the upload `key` of a video, unless it is not the one under examination any more.

    Emits: VideoRefused. Locks: the video.
    """
    video = lock_row(uow.session, Video, video_id)
    if video is None or video.state != "processing" or video.media_key != key:
        return
    VIDEO.move(uow, video, "refused", org_ids=[video.org_id], reason=code)
    video.refused_code, video.refused_params = code, params
    video.media_key = None
    emit(uow, VideoRefused(video_id=video.id, org_id=video.org_id, code=code))
    uow.flush()


def _conclude(uow: UnitOfWork, video_id: UUID, key: str, probe: Probe, media: StoredObject, cover_key: str) -> None:
    video = lock_row(uow.session, Video, video_id)
    if video is None or video.state != "processing" or video.media_key != key:
        return
    video.media_key, video.media_sha256, video.media_bytes = media.key, media.sha256, media.size_bytes
    video.media_type = _TYPES[probe.container]
    video.cover_key = cover_key
    video.duration_ms, video.width, video.height = probe.duration_ms, probe.width, probe.height
    video.video_codec, video.audio_codec = probe.video_codec, probe.audio_codec
    VIDEO.move(uow, video, "ready", org_ids=[video.org_id])
    emit(uow, VideoReady(video_id=video.id, org_id=video.org_id, duration_ms=probe.duration_ms))
    uow.flush()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            yield chunk
