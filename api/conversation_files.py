"""Files of conversations and tickets on their way in and out; for the JSON routes and the pages alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile

from api.request import ApiRequest
from api.stored_documents import foreign_answer, keep_document, stored_bytes
from kernel.db.uow import UnitOfWork
from kernel.storage import StoredObject
from orders.conversations.models import ConversationMessage
from orders.conversations.queries import ConversationFile, find_conversation, find_file
from orders.conversations.write import SentFile, conversation_file_key
from orders.milestones.file_types import MAX_BYTES, checked_media_type
from orders.tickets.models import TicketMessage


@dataclass(slots=True)
class _Kept:
    """The message that the file is now with."""

    file_key: str


def keep_upload(
    request: ApiRequest, upload: UploadFile, keep: Callable[[UnitOfWork, SentFile], ConversationMessage | TicketMessage]
) -> None:
    """Check a form's file, store it and have `keep` write its message. Where that is refused the bytes go again.

    Raises: as `checked_media_type` and `keep`; Unavailable `storage_unavailable`.
    """
    upload.file.seek(0)
    content = upload.file.read(MAX_BYTES + 1)
    media_type = checked_media_type(upload.filename, content)

    def kept(uow: UnitOfWork, stored: StoredObject) -> _Kept:
        return _Kept(keep(uow, SentFile(stored, media_type, upload.filename)).file_key or "")

    keep_document(request, conversation_file_key(request.principal.organization()), content, kept)


def require_conversation(request: ApiRequest, conversation_id: UUID) -> None:
    """Before a file is stored for it. Raises as `find_conversation`."""
    with request.transaction() as uow:
        find_conversation(uow, conversation_id)


def send_conversation_file(request: ApiRequest, conversation_id: UUID, message_id: UUID) -> Response[Any]:
    """A message's file. Raises NotFound, Forbidden, Unavailable `media_missing`."""
    with request.transaction() as uow:
        found = find_file(uow, conversation_id, message_id)
    return sent_file(request, found)


def sent_file(request: ApiRequest, found: ConversationFile) -> Response[Any]:
    """Bytes to be kept and never run here. Raises Unavailable `media_missing`."""
    disposition = f"attachment; filename*=UTF-8''{quote(found.file_name, safe='')}"
    return foreign_answer(stored_bytes(request, found.key), found.media_type, disposition)
