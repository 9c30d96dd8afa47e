"""Files of milestones on their way in and out; for the JSON routes and the pages alike."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile

from api.request import ApiRequest
from api.stored_documents import foreign_answer, keep_document, stored_bytes
from kernel.db.uow import UnitOfWork
from kernel.storage import StoredObject
from orders.milestones import queries
from orders.milestones.deliver import AddFile, add_file, file_key, remove_file, require_awaited
from orders.milestones.file_types import MAX_BYTES, checked_media_type
from orders.milestones.queries import MilestoneFileView
from orders.order.milestones import MilestoneFile


def store_file(request: ApiRequest, milestone_id: UUID, upload: UploadFile) -> MilestoneFileView:
    """Check a form's file, store it and put it with what is delivered next.

    Raises: as `require_awaited`, `checked_media_type` and `add_file`; Unavailable `storage_unavailable`.
    """
    request.transact(lambda uow: require_awaited(uow, milestone_id))
    upload.file.seek(0)
    content = upload.file.read(MAX_BYTES + 1)
    media_type = checked_media_type(upload.filename, content)

    def keep(uow: UnitOfWork, stored: StoredObject) -> MilestoneFile:
        return add_file(uow, AddFile(milestone_id, stored, media_type, upload.filename))

    row = keep_document(request, file_key(request.principal.organization()), content, keep)
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
    disposition = f"attachment; filename*=UTF-8''{quote(found.file_name, safe='')}"
    return foreign_answer(stored_bytes(request, found.key), found.media_type, disposition)
