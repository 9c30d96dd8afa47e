"""The platform looks at a seller's document and says yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from marketplace.input_text import line, optional_line
from marketplace.onboarding.checklist import lock_checklist, mark_done
from marketplace.onboarding.events import LegalProofReviewed
from marketplace.onboarding.models import LEGAL_PROOF, LegalProof

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class ReviewLegalProof:
    """The decision. A refusal says why, in words that the seller reads."""

    proof_id: UUID
    approve: bool
    reason: str = ""


def review_legal_proof(uow: UnitOfWork, command: ReviewLegalProof) -> LegalProof:
    """Approve a document, which does that step of the checklist, or reject it. Decided alike already, nothing changes.

    Raises:
        Forbidden: `permission_missing` without operator.reviews.
        NotFound: `legal_proof_not_found`.
        Invalid: `text_required`, `text_too_long`: of the reason for a refusal.
        Conflict: `legal_proof_decided`: it does not wait any more.

    Emits: LegalProofReviewed, SellerOnboarded with the last step. Locks: the checklist, then the document.
    """
    uow.principal.require("operator.reviews")
    known = uow.session.get(LegalProof, command.proof_id)
    if known is None:
        raise NotFound("legal_proof_not_found")
    checklist = lock_checklist(uow, known.org_id)
    row = lock_row(uow.session, LegalProof, command.proof_id)
    if row is None:
        raise NotFound("legal_proof_not_found")
    decision = "approved" if command.approve else "rejected"
    if row.state == decision:
        return row
    if row.state != "submitted":
        raise Conflict("legal_proof_decided", state=row.state)
    text = optional_line if command.approve else line
    row.reason = text("reason", command.reason, MAX_REASON)
    row.reviewed_by, row.reviewed_at = uow.principal.person_id, clock.now()
    LEGAL_PROOF.move(uow, row, decision, org_ids=[row.org_id], reason=row.reason or None)
    emit(uow, LegalProofReviewed(proof_id=row.id, org_id=row.org_id))
    if command.approve:
        mark_done(uow, checklist, "legal")
    uow.flush()
    return row
