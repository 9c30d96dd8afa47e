"""Documents of disputes on their way in and out; for the JSON routes and the pages alike."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile

from api.request import ApiRequest
from kernel.errors import DomainError, Invalid, Unavailable
from kernel.storage import ObjectMissing, StorageError
from marketplace.access.identity_limits import count_document
from marketplace.onboarding.legal_document import checked_media_type
from orders.disputes.queries import get_dispute
from orders.disputes.say import (
    MAX_DOCUMENT_BYTES,
    AddDisputeEvidence,
    Side,
    add_dispute_evidence,
    dispute_evidence_key,
    find_dispute_evidence,
)


def take_document(request: ApiRequest, dispute_id: UUID, side: Side, upload: UploadFile) -> None:
    """Check a form's file, store it and show it on a dispute.

    Raises: as `count_document`, `checked_media_type` and `add_dispute_evidence`; Invalid `dispute_document_too_large`;
    Unavailable `storage_unavailable`.
    """
    with request.transaction() as uow:
        get_dispute(uow, dispute_id, side=side)
    request.transact(count_document)
    upload.file.seek(0)
    content = upload.file.read(MAX_DOCUMENT_BYTES + 1)
    if len(content) > MAX_DOCUMENT_BYTES:
        raise Invalid("dispute_document_too_large", field="file")
    media_type = checked_media_type(content)
    storage = request.services.storage
    try:
        stored = storage.put_bytes(dispute_evidence_key(dispute_id), content)
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    command = AddDisputeEvidence(dispute_id, side, stored, media_type, upload.filename)
    try:
        kept = request.transact(lambda uow: add_dispute_evidence(uow, command).file_key)
    except DomainError:
        storage.delete(stored.key)
        raise
    if kept != stored.key:
        # The same document was shown a moment ago.
        storage.delete(stored.key)


def send_document(request: ApiRequest, dispute_id: UUID, document_id: UUID, side: Side | None) -> Response[Any]:
    """A document's bytes. A stranger's file runs nothing here: pictures are shown, everything else is downloaded."""
    with request.transaction() as uow:
        row = find_dispute_evidence(uow, dispute_id, document_id, side=side)
        key, media_type = row.file_key, row.media_type
    try:
        content = request.services.storage.get_bytes(key)
    except ObjectMissing as error:
        raise Unavailable("media_missing") from error
    disposition = "inline" if media_type.startswith("image/") else "attachment"
    ending = {"application/pdf": "pdf", "image/png": "png"}.get(media_type, "jpg")
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'{disposition}; filename="dispute-evidence-{document_id}.{ending}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )
