"""The platform looks at an organization's document and says yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from marketplace.input_text import line, optional_line
from marketplace.onboarding.checklist import find_locked_checklist, mark_done
from marketplace.onboarding.events import LegalProofReviewed
from marketplace.onboarding.models import LEGAL_PROOF, LegalProof
from marketplace.parties.models import Organization

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class ReviewLegalProof:
    """The decision. A refusal says why, in words that the organization reads."""

    proof_id: UUID
    approve: bool
    reason: str = ""


def review_legal_proof(uow: UnitOfWork, command: ReviewLegalProof) -> LegalProof:
    """Approve a document, or reject it. Decided alike already, nothing changes.

    An approval verifies the tax identifier that was registered when it was handed in, and does a seller's step of the checklist.

    Raises:
        Forbidden: `permission_missing` without operator.reviews.
        NotFound: `legal_proof_not_found`.
        Invalid: `text_required`, `text_too_long`: of the reason for a refusal.
        Conflict: `legal_proof_decided`: it does not wait any more. `tax_id_verified_elsewhere`: it was verified as another's,
            which the dispute decides.

    Emits: LegalProofReviewed, SellerOnboarded with the last step.
    Locks: the checklist if it sells, the organization, then the document.
    """
    uow.principal.require("operator.reviews")
    known = uow.session.get(LegalProof, command.proof_id)
    if known is None:
        raise NotFound("legal_proof_not_found")
    checklist = find_locked_checklist(uow, known.org_id)
    organization = lock_row(uow.session, Organization, known.org_id)
    row = lock_row(uow.session, LegalProof, command.proof_id)
    if row is None or organization is None:
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
        verify_tax_id(uow, organization, row)
        if checklist is not None:
            mark_done(uow, checklist, "legal")
    uow.flush()
    return row


def verify_tax_id(uow: UnitOfWork, organization: Organization, proof: LegalProof) -> None:
    """The document shows that the identifier is the organization's, unless another was registered since it was handed in.

    Raises: Conflict `tax_id_verified_elsewhere`, or, where another is verified at the same moment, when it is written.
    """
    if organization.tax_id is None or organization.tax_id != proof.tax_id:
        return
    holder = select(Organization.id).where(
        Organization.country == organization.country,
        Organization.tax_id == organization.tax_id,
        Organization.tax_id_verified_at.is_not(None),
        Organization.id != organization.id,
    )
    if uow.session.scalar(holder) is not None:
        raise Conflict("tax_id_verified_elsewhere")
    organization.tax_id_verified_at = clock.now()
    audit.record(uow, "organization.tax_id_verified", subject_id=organization.id, proof_id=str(proof.id))
