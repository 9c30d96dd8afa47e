"""Files of milestones on their way in and out; for the JSON routes and the pages alike."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile

from api.request import ApiRequest
from kernel.errors import DomainError, Unavailable
from kernel.storage import ObjectMissing, StorageError
from orders.milestones import queries
from orders.milestones.deliver import AddFile, add_file, file_key, remove_file, require_awaited
from orders.milestones.file_types import MAX_BYTES, checked_media_type
from orders.milestones.queries import MilestoneFileView


def store_file(request: ApiRequest, milestone_id: UUID, upload: UploadFile) -> MilestoneFileView:
    """Check a form's file, store it and put it with what is delivered next.

    Raises: as `require_awaited`, `checked_media_type` and `add_file`; Unavailable `storage_unavailable`.
    """
    request.transact(lambda uow: require_awaited(uow, milestone_id))
    upload.file.seek(0)
    content = upload.file.read(MAX_BYTES + 1)
    media_type = checked_media_type(upload.filename, content)
    storage = request.services.storage
    try:
        stored = storage.put_bytes(file_key(request.principal.organization()), content)
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    command = AddFile(milestone_id, stored, media_type, upload.filename)
    try:
        row = request.transact(lambda uow: add_file(uow, command))
    except DomainError:
        storage.delete(stored.key)
        raise
    if row.file_key != stored.key:
        # The same file was put there a moment ago.
        storage.delete(stored.key)
    return MilestoneFileView(row.id, row.file_name, row.media_type, row.size_bytes, row.sha256, row.created_at)


def drop_file(request: ApiRequest, milestone_id: UUID, file_id: UUID) -> None:
    """Take a file back, with its bytes. Raises as `remove_file`."""
    key = request.transact(lambda uow: remove_file(uow, milestone_id, file_id))
    if key is not None:
        request.services.storage.delete(key)


def send_file(request: ApiRequest, milestone_id: UUID, file_id: UUID, *, of_buyer: bool) -> Response[Any]:
    """A file's bytes, to be kept and never run here. Raises NotFound, Unavailable `media_missing`."""
    with request.transaction() as uow:
        found = queries.find_file_content(uow, milestone_id, file_id, of_buyer=of_buyer)
    try:
        content = request.services.storage.get_bytes(found.key)
    except ObjectMissing as error:
        raise Unavailable("media_missing") from error
    return Response(
        content,
        media_type=found.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.file_name, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )
