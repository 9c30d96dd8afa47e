"""A file is announced that will arrive in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import advisory_xact_lock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, TooLarge, TooMany
from kernel.ids import uuid7
from kernel.storage import Storage
from kernel.text import plain_text
from marketplace.videos.media.receive_media import MAX_BYTES, check_uploadable
from marketplace.videos.models import MediaUpload
from marketplace.videos.uploads.discard import discard

KEPT_FOR = timedelta(days=3)
"""How long an unfinished upload waits for its next byte."""
MOST_OPEN = 20
"""Unfinished uploads of one organization."""
MOST_OPEN_BYTES = 20_000_000_000
"""What they may come to together, announced rather than arrived: 20 GB, ten of the largest."""
_UPLOADS_LOCK = 0x7570  # "up"


@dataclass(frozen=True, slots=True)
class BeginUpload:
    """A file of `size_bytes` for a video. `metadata_header` is what its sender said of it, as it stood."""

    video_id: UUID
    size_bytes: int
    file_name: str
    metadata_header: str = ""


def begin_upload(uow: UnitOfWork, storage: Storage, command: BeginUpload) -> MediaUpload:
    """Make room for a file. What had arrived of another file for the same video is forgotten.

    Raises:
        NotFound: `video_not_found`. Conflict: `video_not_replaceable`.
        Invalid: `video_empty`. TooLarge: `video_too_large`. TooMany: `too_many_uploads`.

    Locks: the video, then the organization's uploads.
    """
    if command.size_bytes <= 0:
        raise Invalid("video_empty", field="file")
    if command.size_bytes > MAX_BYTES:
        raise TooLarge("video_too_large", limit_mb=MAX_BYTES // 1_000_000)
    check_uploadable(uow, command.video_id)
    org_id = uow.principal.organization()
    advisory_xact_lock(uow.session, _UPLOADS_LOCK, org_id)
    is_open = (MediaUpload.org_id == org_id) & MediaUpload.completed_at.is_(None)
    for former in uow.session.scalars(
        select(MediaUpload).where(is_open, MediaUpload.video_id == command.video_id).with_for_update()
    ):
        discard(uow, storage, former)
    uow.flush()
    number, total = uow.session.execute(
        select(func.count(), func.coalesce(func.sum(MediaUpload.size_bytes), 0)).where(is_open)
    ).one()
    if number >= MOST_OPEN or total + command.size_bytes > MOST_OPEN_BYTES:
        raise TooMany("too_many_uploads", most=MOST_OPEN, most_gb=MOST_OPEN_BYTES // 1_000_000_000)
    now = clock.now()
    upload = MediaUpload(
        id=uuid7(),
        org_id=org_id,
        video_id=command.video_id,
        file_name=plain_text(command.file_name)[:200],
        metadata_header=command.metadata_header,
        size_bytes=command.size_bytes,
        received_bytes=0,
        parts=[],
        expires_at=now + KEPT_FOR,
        completed_at=None,
        created_at=now,
    )
    uow.session.add(upload)
    uow.flush()
    return upload
