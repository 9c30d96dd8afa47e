"""A cover that somebody chose is made, in steps that hold no lock while foreign bytes are read."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.jobs.context import JobClaim
from kernel.storage import Storage
from marketplace.videos.media.cover_sizes import COVER_WIDTHS, sized_cover_key
from marketplace.videos.media.subprocess_probe import cover_isolated
from marketplace.videos.models import Video

NOT_TAKEN = "cover_not_taken"
_OF_PICTURES = frozenset({"cover_not_a_picture", "cover_dimensions"})


@dataclass(frozen=True, slots=True)
class _Asked:
    video_id: UUID
    request_id: UUID
    key: str
    """Of the film, or of the picture that was sent."""
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class _Made:
    """Where the cover lies, or why there is none."""

    cover_key: str | None = None
    refused_code: str | None = None


class MakeCover:
    """Takes a moment of the film, or a picture that was sent, as the video's cover. Locks: the video, in its last step only."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Asked | None:
        """What is asked for, while nothing else was asked for since."""
        video_id, request_id = UUID(claim.payload["video_id"]), UUID(claim.payload["request_id"])
        video = uow.session.get(Video, video_id)
        if video is None or video.cover_request_id != request_id:
            return None
        key = claim.payload["picture_key"] or video.media_key
        return _Asked(video_id, request_id, str(key), claim.payload["at_ms"])

    def call(self, request: _Asked) -> _Made:
        """Read the film or the picture, and store the cover in its sizes."""
        storage = self._storage
        with tempfile.TemporaryDirectory(prefix="market-cover-") as folder:
            source = Path(folder) / "source"
            with source.open("wb") as out:
                for chunk in storage.stream(request.key):
                    out.write(chunk)
            try:
                pictures = cover_isolated(source, request.at_ms)
            except Invalid as refusal:
                return _Made(refused_code=refusal.code if refusal.code in _OF_PICTURES else NOT_TAKEN)
        cover = storage.put_bytes(f"media/{request.video_id}/{request.request_id}.jpg", pictures.jpeg)
        for width, content in zip(COVER_WIDTHS, pictures.webp, strict=True):
            storage.put_bytes(sized_cover_key(cover.key, width), content)
        return _Made(cover_key=cover.key)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Asked, answer: _Made) -> None:
        """Let the video have it. A picture that was sent is deleted when that is committed."""
        video = lock_row(uow.session, Video, request.video_id)
        if video is not None and video.cover_request_id == request.request_id:
            video.cover_request_id, video.cover_refused_code = None, answer.refused_code
            video.cover_key = answer.cover_key or video.cover_key
            uow.flush()
        if claim.payload["picture_key"]:
            uow.after_commit(partial(self._storage.delete, request.key))
