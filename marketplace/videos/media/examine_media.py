"""An uploaded file is opened, decoded and copied clean, in steps that hold no lock while foreign bytes are read.

The playing copy has the index first and nothing but one picture and one sound stream; the upload itself is deleted.
Run twice, it writes the same objects and finds its work done; another upload's are never written over. What dies in
between leaves objects to `sweep_media`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import parse_uuid
from kernel.jobs.context import JobClaim
from kernel.jobs.outbox import emit
from kernel.storage import Storage, StoredObject
from marketplace.videos.events import VideoReady, VideoRefused
from marketplace.videos.media.cover_sizes import COVER_WIDTHS, sized_cover_key
from marketplace.videos.media.probe_result import Probe
from marketplace.videos.media.subprocess_probe import probe_isolated, remux_isolated
from marketplace.videos.models import VIDEO, MediaUpload, Video, part_keys

_READ_BYTES = 256 * 1024
_TYPES = {"mp4": "video/mp4", "mov": "video/mp4", "webm": "video/webm"}


@dataclass(frozen=True, slots=True)
class _Upload:
    video_id: UUID
    key: str
    file_name: str
    parts: tuple[str, ...]
    """The objects that hold it, in the order of their bytes."""


@dataclass(frozen=True, slots=True)
class _Examined:
    """What came of it: either why the upload is refused, or its playing copy and cover."""

    refusal: Invalid | None = None
    probe: Probe | None = None
    media: StoredObject | None = None
    cover_key: str = ""


class ExamineMedia:
    """The steps of deciding whether an upload is playable, and of making its playing copy and cover.

    Emits: VideoReady or VideoRefused. Locks: the video, in its last step only.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Upload | None:
        """The upload, while it is the one to examine."""
        video_id, key = UUID(claim.payload["video_id"]), str(claim.payload["key"])
        file_name = _awaited(uow, video_id, key)
        return None if file_name is None else _Upload(video_id, key, file_name, _parts(uow, key))

    def call(self, request: _Upload) -> _Examined:
        """Open, decode and copy the file, holding no lock while foreign bytes are read."""
        storage, key = self._storage, request.key
        with tempfile.TemporaryDirectory(prefix="market-media-") as folder:
            upload, copy = Path(folder) / "upload", Path(folder) / "copy"
            with upload.open("wb") as out:
                for part in request.parts:
                    for chunk in storage.stream(part):
                        out.write(chunk)
            try:
                probe = probe_isolated(upload, name=request.file_name or None)
                remux_isolated(upload, copy)
            except Invalid as refusal:
                return _Examined(refusal=refusal)
            ending = "webm" if probe.container == "webm" else "mp4"
            place = f"media/{request.video_id}/{key.rpartition('/')[2]}"
            media = storage.put(f"{place}.{ending}", _chunks(copy))
            cover = storage.put_bytes(f"{place}.jpg", probe.cover_jpeg)
            for width, content in zip(COVER_WIDTHS, probe.covers_webp, strict=True):
                storage.put_bytes(sized_cover_key(cover.key, width), content)
        return _Examined(probe=probe, media=media, cover_key=cover.key)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Upload, answer: _Examined) -> None:
        """Let the video be ready or refused. The upload itself is deleted when that is committed."""
        if answer.refusal is not None:
            refuse(uow, request.video_id, request.key, answer.refusal.code, dict(answer.refusal.params))
        elif answer.probe is not None and answer.media is not None:
            _conclude(uow, request.video_id, request.key, answer.probe, answer.media, answer.cover_key)
        uow.after_commit(partial(self._delete, request.parts))

    def _delete(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            self._storage.delete(key)


def _parts(uow: UnitOfWork, key: str) -> tuple[str, ...]:
    """Where the bytes of an upload lie: an object of that name, or those that arrived one after the other."""
    upload_id = parse_uuid(key.rpartition("/")[2])
    upload = uow.session.get(MediaUpload, upload_id) if upload_id is not None else None
    return (key,) if upload is None else part_keys(upload)


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
