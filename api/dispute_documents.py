"""Documents of disputes on their way in and out; for the JSON routes and the pages alike."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile

from api.request import ApiRequest
from api.stored_documents import keep_document, scan_answer
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.storage import StoredObject
from marketplace.access.identity_limits import count_document
from marketplace.onboarding.legal_document import checked_media_type
from orders.disputes.models import DisputeEvidence
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

    def keep(uow: UnitOfWork, stored: StoredObject) -> DisputeEvidence:
        return add_dispute_evidence(uow, AddDisputeEvidence(dispute_id, side, stored, media_type, upload.filename))

    keep_document(request, dispute_evidence_key(dispute_id), content, keep)


def send_document(request: ApiRequest, dispute_id: UUID, document_id: UUID, side: Side | None) -> Response[Any]:
    """A document's bytes. A stranger's file runs nothing here: pictures are shown, everything else is downloaded."""
    with request.transaction() as uow:
        row = find_dispute_evidence(uow, dispute_id, document_id, side=side)
        key, media_type = row.file_key, row.media_type
    return scan_answer(request, key, media_type, f"dispute-evidence-{document_id}")
