"""Reads about uploads, for the organization whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Gone, NotFound
from marketplace.videos.models import MediaUpload


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload is."""

    id: UUID
    video_id: UUID
    file_name: str
    metadata_header: str
    size_bytes: int
    received_bytes: int
    expires_at: datetime

    @classmethod
    def of(cls, row: MediaUpload) -> UploadProgress:
        """From its row."""
        return cls(
            row.id, row.video_id, row.file_name, row.metadata_header, row.size_bytes, row.received_bytes, row.expires_at
        )


def get_upload(uow: UnitOfWork, upload_id: UUID) -> UploadProgress:
    """An upload of the acting organization's. Raises NotFound(`upload_not_found`), Gone(`upload_expired`)."""
    found = uow.session.scalar(
        select(MediaUpload).where(MediaUpload.id == upload_id, MediaUpload.org_id == uow.principal.organization())
    )
    if found is None:
        raise NotFound("upload_not_found")
    if found.completed_at is None and found.expires_at <= clock.now():
        raise Gone("upload_expired")
    return UploadProgress.of(found)


def find_open_upload(uow: UnitOfWork, video_id: UUID) -> UploadProgress | None:
    """The unfinished upload of a video of the acting organization's, which may go on."""
    found = uow.session.scalar(
        select(MediaUpload).where(
            MediaUpload.org_id == uow.principal.organization(),
            MediaUpload.video_id == video_id,
            MediaUpload.completed_at.is_(None),
            MediaUpload.expires_at > clock.now(),
        )
    )
    return None if found is None else UploadProgress.of(found)
