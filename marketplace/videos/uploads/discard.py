"""An upload and what had arrived of it are forgotten: because its sender says so, or because nobody went on with it."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from sqlalchemy import or_, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.states import state_in
from kernel.storage import Storage
from marketplace.videos.models import MediaUpload, Video, part_keys

_BATCH = 100


def discard(uow: UnitOfWork, storage: Storage, upload: MediaUpload) -> None:
    """Forget a locked upload. Its bytes go once that is committed; those that a crash leaves, the sweep of orphans finds."""
    uow.after_commit(partial(_delete, storage, part_keys(upload)))
    uow.session.delete(upload)


def _delete(storage: Storage, keys: tuple[str, ...]) -> None:
    for key in keys:
        storage.delete(key)


def cancel_upload(uow: UnitOfWork, storage: Storage, upload_id: UUID) -> None:
    """Forget an unfinished upload of the acting organization's.

    Raises:
        NotFound: `upload_not_found`: none that is unfinished.
    """
    upload = lock_row(uow.session, MediaUpload, upload_id)
    if upload is None or upload.org_id != uow.principal.organization() or upload.completed_at is not None:
        raise NotFound("upload_not_found")
    discard(uow, storage, upload)
    uow.flush()


def expire_uploads(uow: UnitOfWork, storage: Storage) -> None:
    """Forget what nobody went on with, and whole ones that were examined long since."""
    examined_now = select(Video.id).where(
        Video.id == MediaUpload.video_id,
        state_in(Video.state, "processing"),
    )
    expired = (
        select(MediaUpload)
        .where(
            MediaUpload.expires_at <= clock.now(),
            or_(MediaUpload.completed_at.is_(None), ~examined_now.exists()),
        )
        .order_by(MediaUpload.expires_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    for upload in uow.session.scalars(expired).all():
        discard(uow, storage, upload)
    uow.flush()
