"""An organization hands in a document that shows that it exists, and that its tax identifier is its own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.storage import StoredObject
from kernel.text import plain_text
from marketplace.onboarding.checklist import find_locked_checklist
from marketplace.onboarding.events import LegalProofSubmitted
from marketplace.onboarding.models import LEGAL_PROOF, LegalProof
from marketplace.onboarding.request_transfer import find_waiting_proof
from marketplace.parties.models import Organization

PREFIX = "legal"
"""Where documents are kept in the object store."""


@dataclass(frozen=True, slots=True)
class SubmitLegalProof:
    """What was stored, what its bytes are, and what its uploader called it (for people, never for a path)."""

    stored: StoredObject
    media_type: str
    file_name: str


def document_key(org_id: UUID) -> str:
    """Where a document is to be stored: a new place every time."""
    return f"{PREFIX}/{org_id}/{uuid7()}"


def submit_legal_proof(uow: UnitOfWork, command: SubmitLegalProof) -> LegalProof:
    """Let the platform look at a document. It takes the place of one that still waits; the same bytes again change nothing.

    Who was approved before stays so whatever is said to the new document.

    Raises: NotFound `organization_not_found`; Conflict `circle_is_no_company`.
    Emits: LegalProofSubmitted. Locks: the checklist if it sells, the organization.
    """
    find_locked_checklist(uow, uow.principal.organization())
    organization = lock_row(uow.session, Organization, uow.principal.organization())
    if organization is None:
        raise NotFound("organization_not_found")
    if organization.kind == "circle":
        raise Conflict("circle_is_no_company")
    waiting = find_waiting_proof(uow, organization.id)
    if waiting is not None:
        if waiting.sha256 == command.stored.sha256:
            return waiting
        LEGAL_PROOF.move(uow, waiting, "superseded", org_ids=[waiting.org_id])
        uow.flush()
    row = LegalProof(
        id=uuid7(),
        org_id=organization.id,
        tax_id=organization.tax_id,
        file_key=command.stored.key,
        file_name=plain_text(command.file_name)[:200] or "document",
        media_type=command.media_type,
        size_bytes=command.stored.size_bytes,
        sha256=command.stored.sha256,
        submitted_by=uow.principal.accountable_id,
        reviewed_by=None,
        reviewed_at=None,
        reason="",
        created_at=clock.now(),
    )
    LEGAL_PROOF.begin(uow, row, org_ids=[row.org_id])
    uow.session.add(row)
    emit(uow, LegalProofSubmitted(proof_id=row.id, org_id=row.org_id))
    uow.flush()
    return row
