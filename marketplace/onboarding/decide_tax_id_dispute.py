"""The platform decides whose a tax identifier is that several organizations claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jobs.outbox import emit
from marketplace.input_text import line
from marketplace.onboarding.checklist import find_locked_checklist, reopen_identity
from marketplace.onboarding.models import LegalProof
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof, verify_tax_id
from marketplace.parties.events import TaxIdDecided, TaxIdEvidenceAsked
from marketplace.parties.models import TAX_ID_DISPUTE, Organization, TaxIdDispute
from marketplace.parties.open_tax_id_dispute import UNDECIDED, claimants_of, lock_tax_id

MAX_REASON = 500
Decision = Literal["ask_evidence", "settle", "dismiss"]


@dataclass(frozen=True, slots=True)
class DecideTaxIdDispute:
    """What is decided: everybody is asked for a document; it is `org_id`'s; or nothing is wrong (one firm, two accounts)."""

    dispute_id: UUID
    decision: Decision
    org_id: UUID | None = None
    reason: str = ""


def decide_tax_id_dispute(uow: UnitOfWork, command: DecideTaxIdDispute) -> TaxIdDispute:
    """Decide. The same decision again changes nothing; nobody loses their account, members or orders by any of them.

    Settled, the identifier is verified as the winner's, by a document that was approved or now is. Everybody else keeps all
    but the identifier: they are told to give their own, and a seller among them publishes nothing before its identity and tax
    details are shown anew.

    Raises:
        Forbidden: `permission_missing` without operator.reviews.
        NotFound: `tax_id_dispute_not_found`.
        Invalid: `dispute_party_invalid`: `org_id` does not claim it; `text_required`, `text_too_long`: of the reason.
        Conflict: `tax_id_dispute_decided`; `dispute_evidence_missing`: the winner has shown no document that can be approved.

    Emits: TaxIdEvidenceAsked or TaxIdDecided, one for each party; LegalProofReviewed.
    Locks: the identifier, the dispute, the parties' checklists and rows by id, then their documents.
    """
    uow.principal.require("operator.reviews")
    known = uow.session.get(TaxIdDispute, command.dispute_id)
    if known is None:
        raise NotFound("tax_id_dispute_not_found")
    lock_tax_id(uow, known.country, known.tax_id)
    row = lock_row(uow.session, TaxIdDispute, known.id)
    if row is None:
        raise NotFound("tax_id_dispute_not_found")
    if _is_decided_alike(row, command):
        return row
    if row.state not in UNDECIDED:
        raise Conflict("tax_id_dispute_decided", state=row.state)
    parties = [organization.id for organization in claimants_of(uow, row.country, row.tax_id)]
    if command.decision == "ask_evidence":
        _ask(uow, row, parties)
    else:
        winner_id = command.org_id if command.decision == "settle" else None
        if command.decision == "settle" and winner_id not in parties:
            raise Invalid("dispute_party_invalid", field="org_id")
        row.reason = line("reason", command.reason, MAX_REASON)
        row.decided_by, row.decided_at = uow.principal.person_id, clock.now()
        row.party_ids, row.winner_id = parties, winner_id
        TAX_ID_DISPUTE.move(uow, row, "settled" if winner_id else "dismissed", org_ids=[], reason=row.reason)
        if winner_id is not None:
            _settle(uow, row, parties, winner_id)
    audit.record(uow, "tax_id_dispute.decided", subject_id=row.id, decision=command.decision)
    uow.flush()
    return row


def _is_decided_alike(row: TaxIdDispute, command: DecideTaxIdDispute) -> bool:
    if command.decision == "settle":
        return row.state == "settled" and row.winner_id == command.org_id
    return row.state == {"ask_evidence": "evidence_asked", "dismiss": "dismissed"}[command.decision]


def _ask(uow: UnitOfWork, row: TaxIdDispute, parties: Sequence[UUID]) -> None:
    row.asked_at = clock.now()
    TAX_ID_DISPUTE.move(uow, row, "evidence_asked", org_ids=[])
    for org_id in parties:
        emit(uow, TaxIdEvidenceAsked(dispute_id=row.id, org_id=org_id))


def _settle(uow: UnitOfWork, row: TaxIdDispute, parties: Sequence[UUID], winner_id: UUID) -> None:
    for org_id in sorted(parties):
        find_locked_checklist(uow, org_id)
    organizations = lock_rows(uow.session, Organization, parties)
    # One that was corrected while the locks were waited for claims it no more.
    claiming = [one for one in organizations if one.country == row.country and one.tax_id == row.tax_id]
    winner = next((one for one in claiming if one.id == winner_id), None)
    if winner is None:
        raise Invalid("dispute_party_invalid", field="org_id")
    for organization in claiming:
        if organization is not winner:
            _take_away(uow, row, organization)
    _verify(uow, winner)
    for organization in claiming:
        emit(uow, TaxIdDecided(dispute_id=row.id, org_id=organization.id, is_kept=organization is winner))


def _take_away(uow: UnitOfWork, row: TaxIdDispute, organization: Organization) -> None:
    organization.tax_id_verified_at = None
    organization.tax_id = None
    waiting = _latest(uow, organization.id, "submitted")
    if waiting is not None:
        review_legal_proof(uow, ReviewLegalProof(waiting.id, approve=False, reason=row.reason))
    checklist = find_locked_checklist(uow, organization.id)
    if checklist is not None:
        reopen_identity(uow, checklist)
    audit.record(uow, "organization.tax_id_taken_away", subject_id=organization.id, dispute_id=str(row.id))
    uow.flush()


def _verify(uow: UnitOfWork, winner: Organization) -> None:
    if winner.tax_id_verified_at is not None:
        return
    waiting = _latest(uow, winner.id, "submitted")
    if waiting is not None and waiting.tax_id == winner.tax_id:
        review_legal_proof(uow, ReviewLegalProof(waiting.id, approve=True))
        return
    approved = _latest(uow, winner.id, "approved")
    if approved is None or approved.tax_id != winner.tax_id:
        raise Conflict("dispute_evidence_missing")
    verify_tax_id(uow, winner, approved)
    uow.flush()


def _latest(uow: UnitOfWork, org_id: UUID, state: str) -> LegalProof | None:
    statement = (
        select(LegalProof)
        .where(LegalProof.org_id == org_id, LegalProof.state == state)
        .order_by(LegalProof.created_at.desc(), LegalProof.id.desc())
        .limit(1)
    )
    return uow.session.scalar(statement)
