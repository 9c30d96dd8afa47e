"""Bytes of an upload have arrived and lie in the object store; here they become part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import cast, select, update
from sqlalchemy.dialects.postgresql import JSONB

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, NotFound
from marketplace.videos.access import lock_own_video
from marketplace.videos.media.receive_media import ReceiveMedia, receive_media
from marketplace.videos.models import MediaUpload
from marketplace.videos.uploads.begin_upload import KEPT_FOR


@dataclass(frozen=True, slots=True)
class AppendParts:
    """Objects with the bytes from `at_bytes` up to `until_bytes`, by their names under the upload's key."""

    upload_id: UUID
    at_bytes: int
    until_bytes: int
    names: Sequence[str]


def append_parts(uow: UnitOfWork, command: AppendParts) -> None:
    """Take the bytes, unless others came first. With the last of them the video's file is whole and is examined.

    Raises:
        NotFound: `upload_not_found`. Gone: `upload_expired`.
        Conflict: `upload_offset_differs`: others were faster, or the upload is elsewhere; `video_not_replaceable`.

    Locks: the video, when the file is whole; then the upload. Emits: as `receive_media`.
    """
    upload = check_appendable(uow, command.upload_id, command.at_bytes)
    now, whole = clock.now(), command.until_bytes == upload.size_bytes
    if whole:
        lock_own_video(uow, upload.video_id)
    appended = (
        update(MediaUpload)
        .where(
            MediaUpload.id == upload.id,
            MediaUpload.org_id == upload.org_id,
            # Two senders may hold the same offset: the first to say so has it.
            MediaUpload.received_bytes == command.at_bytes,
        )
        .values(
            received_bytes=command.until_bytes,
            parts=MediaUpload.parts + cast(list(command.names), JSONB),
            expires_at=now + KEPT_FOR,
            completed_at=now if whole else None,
        )
        .execution_options(synchronize_session=False)
        .returning(MediaUpload.id)
    )
    if uow.session.scalar(appended) is None:
        raise Conflict("upload_offset_differs", offset=command.at_bytes)
    if whole:
        receive_media(uow, ReceiveMedia.in_parts(upload))


def check_appendable(uow: UnitOfWork, upload_id: UUID, at_bytes: int) -> MediaUpload:
    """The upload, when it goes on at `at_bytes`. Raises as `append_parts`."""
    statement = select(MediaUpload).where(
        MediaUpload.id == upload_id, MediaUpload.org_id == uow.principal.organization()
    )
    upload = uow.session.scalar(statement)
    if upload is None:
        raise NotFound("upload_not_found")
    if upload.completed_at is None and upload.expires_at <= clock.now():
        raise Gone("upload_expired")
    if upload.received_bytes != at_bytes:
        raise Conflict("upload_offset_differs", offset=upload.received_bytes)
    return upload
