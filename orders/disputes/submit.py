"""The bank is told: by the operator, by the clock before its deadline, or at once where the money had gone back before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.disputes.assign_dispute import lock_dispute
from billing.disputes.models import Dispute, DisputeSubmission
from billing.disputes.submit_evidence import SubmitEvidence, submit_evidence
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.states import state_in
from orders.disputes.compose import chosen_documents, compose_evidence, documents_of, refunded_before

BATCH_SIZE: Final = 100
AGAIN_AFTER: Final = timedelta(hours=1)
"""After a gateway refused evidence, until what is there is sent once more by itself."""


@dataclass(frozen=True, slots=True)
class TellBank:
    """`text` None: as it is composed. `documents` None: those that are chosen by themselves."""

    dispute_id: UUID
    text: str | None = None
    documents: Sequence[UUID] | None = None


def tell_bank(uow: UnitOfWork, command: TellBank) -> DisputeSubmission:
    """The operator sends the evidence, once and for all. The same again changes nothing.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound `dispute_not_found`, `dispute_evidence_not_found`;
    and as `billing.disputes.submit_evidence`. Locks: as that.
    """
    uow.principal.require("operator.payouts")
    dispute = lock_dispute(uow, command.dispute_id)
    shown = documents_of(uow, dispute.id)
    chosen = chosen_documents(shown)
    if command.documents is not None:
        known = {one.id: one for one in shown}
        if not known.keys() >= set(command.documents):
            raise NotFound("dispute_evidence_not_found")
        chosen = [one for one in shown if one.id in command.documents]
    text = compose_evidence(uow, dispute) if command.text is None else command.text
    return submit_evidence(uow, SubmitEvidence(dispute.id, text, chosen))


def tell_of_refund(uow: UnitOfWork, dispute_id: UUID) -> None:
    """A payment is disputed whose money had gone back: that it had is all there is to say, and it is said at once.

    Locks: as `submit_evidence`. Idempotent by: the dispute's submission.
    """
    dispute = lock_dispute(uow, dispute_id)
    if _is_untold(dispute) and refunded_before(uow, dispute) >= dispute.amount_minor:
        submit_evidence(uow, SubmitEvidence(dispute.id, compose_evidence(uow, dispute), (), "refund"))


def untold_disputes(uow: UnitOfWork) -> Sequence[UUID]:
    """Disputes whose bank takes evidence only a little longer, and of which it knows nothing; the most urgent first."""
    now = clock.now()
    lately = select(DisputeSubmission.id).where(
        DisputeSubmission.dispute_id == Dispute.id,
        DisputeSubmission.state == "failed",
        DisputeSubmission.ended_at > now - AGAIN_AFTER,
    )
    return uow.session.scalars(
        select(Dispute.id)
        .where(
            state_in(Dispute.state, "open"),
            Dispute.submitted_at.is_(None),
            Dispute.submission_id.is_(None),
            Dispute.submit_at <= now,
            Dispute.due_by > now,
            ~lately.exists(),
        )
        .order_by(Dispute.due_by, Dispute.id)
        .limit(BATCH_SIZE)
    ).all()


def tell_by_clock(uow: UnitOfWork, dispute_id: UUID) -> bool:
    """Send what is there. Returns False when somebody did meanwhile. Locks: as `submit_evidence`."""
    dispute = lock_dispute(uow, dispute_id)
    if not _is_untold(dispute):
        return False
    chosen = chosen_documents(documents_of(uow, dispute.id))
    submit_evidence(uow, SubmitEvidence(dispute.id, compose_evidence(uow, dispute), chosen, "clock"))
    return True


def _is_untold(dispute: Dispute) -> bool:
    is_silent = dispute.submitted_at is None and dispute.submission_id is None
    return dispute.state == "open" and is_silent and clock.now() < dispute.due_by
