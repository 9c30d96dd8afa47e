"""Files of download cards on their way in and out; for the JSON routes and the pages alike."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile

from api.request import ApiRequest
from api.stored_documents import foreign_answer, stored_bytes
from kernel.db.platform_scope import as_platform
from kernel.errors import Conflict, DomainError, NotFound, Unavailable
from kernel.storage import StorageError
from marketplace.response_cards.models import ResponseCard
from marketplace.response_cards.save_card import card_file_key, get_own_card, put_card_file
from marketplace.response_cards.work_response import open_receipt
from orders.milestones.file_types import MAX_BYTES, checked_media_type


def store_card_file(request: ApiRequest, card_id: UUID, upload: UploadFile) -> None:
    """Check a form's file, store it and give it to a card; the one before goes.

    Raises: as `checked_media_type` and `put_card_file`; Unavailable `storage_unavailable`.
    """
    with request.transaction() as uow:
        card = get_own_card(uow, card_id)
        kind, before = card.kind, card.file_key
    if kind != "download":
        raise Conflict("card_takes_no_file")
    upload.file.seek(0)
    content = upload.file.read(MAX_BYTES + 1)
    media_type = checked_media_type(upload.filename, content)
    storage = request.services.storage
    try:
        stored = storage.put_bytes(card_file_key(request.principal.organization()), content)
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    try:
        request.transact(lambda uow: put_card_file(uow, card_id, stored, media_type, upload.filename).id)
    except DomainError:
        storage.delete(stored.key)
        raise
    if before is not None:
        storage.delete(before)


def send_answer_file(request: ApiRequest, token: str) -> Response[Any]:
    """The file's bytes for whoever holds a receipt, to be kept and never run here. Raises NotFound, Unavailable."""
    with request.transaction() as uow, as_platform(uow):
        response = open_receipt(uow, request.services.signer, token)
        card = uow.session.get_one(ResponseCard, response.card_id)
        key, name, media_type = card.file_key, card.file_name or "", card.file_type or ""
        is_gone = response.erased_at is not None
    if key is None or is_gone:
        raise NotFound("card_response_not_found")
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return foreign_answer(stored_bytes(request, key), media_type, disposition)
