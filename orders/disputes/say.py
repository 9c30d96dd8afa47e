"""A side of a disputed payment says its part, in words and by documents, until the bank has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select

from billing.disputes.models import Dispute, DisputeSubmission
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.storage import StoredObject
from kernel.text import plain_text
from marketplace.input_text import paragraphs
from orders.disputes.models import DisputeEvidence, DisputeStatement

Side = Literal["buyer", "seller"]
MAX_WORDS: Final = 2_000
MAX_DOCUMENT_BYTES: Final = 1_500_000
"""Of one document: banks take 4.5 MB in all, of at most three (https://docs.stripe.com/disputes/evidence-best-practices)."""
MOST: Final = 5
"""Documents of one organization on one dispute."""
PREFIX: Final = "disputes"
"""Where the documents are kept in the object store."""


@dataclass(frozen=True, slots=True)
class SayAboutDispute:
    """The words of one side. `withdraws`: the buyer lets the dispute be."""

    dispute_id: UUID
    side: Side
    words: str
    withdraws: bool = False


@dataclass(frozen=True, slots=True)
class AddDisputeEvidence:
    """What was stored, what its bytes are, and what its uploader called it (for people, never for a path)."""

    dispute_id: UUID
    side: Side
    stored: StoredObject
    media_type: str
    file_name: str


def say_about_dispute(uow: UnitOfWork, command: SayAboutDispute) -> DisputeStatement:
    """Say what speaks for one's side; said before, the words are changed.

    Raises: NotFound `dispute_not_found`: the acting organization is not that side of it; Invalid `reason_required`,
    `text_too_long`, `only_buyer_withdraws`; Conflict `dispute_ended`, `dispute_evidence_submitted`, `dispute_answer_over`.
    Locks: the dispute.
    """
    words = paragraphs("words", command.words, MAX_WORDS)
    if not words:
        raise Invalid("reason_required", field="words")
    if command.withdraws and command.side != "buyer":
        raise Invalid("only_buyer_withdraws", field="withdraws")
    dispute = lock_side(uow, command.dispute_id, command.side)
    org_id, now = uow.principal.organization(), clock.now()
    row = uow.session.scalars(
        select(DisputeStatement).where(
            DisputeStatement.dispute_id == dispute.id,
            DisputeStatement.org_id == org_id,
            DisputeStatement.side == command.side,
        )
    ).first()
    if row is not None and (row.words, row.withdraws) == (words, command.withdraws):
        return row
    require_open(dispute)
    if row is None:
        row = DisputeStatement(
            id=uuid7(),
            payer_org_id=dispute.payer_org_id,
            dispute_id=dispute.id,
            org_id=org_id,
            seller_org_ids=_readers(dispute, command.side, org_id),
            side=command.side,
            created_at=now,
        )
        uow.session.add(row)
    row.words, row.withdraws = words, command.withdraws
    row.said_by, row.changed_at = uow.principal.accountable_id, now
    uow.flush()
    return row


def dispute_evidence_key(dispute_id: UUID) -> str:
    """Where a document is to be stored: a new place every time."""
    return f"{PREFIX}/{dispute_id}/{uuid7()}"


def add_dispute_evidence(uow: UnitOfWork, command: AddDisputeEvidence) -> DisputeEvidence:
    """Show a document. The same bytes of the same side again change nothing.

    Raises: as `say_about_dispute` without its words; Conflict `dispute_evidence_full`.
    Locks: the dispute.
    """
    dispute = lock_side(uow, command.dispute_id, command.side)
    org_id = uow.principal.organization()
    shown = uow.session.scalars(
        select(DisputeEvidence).where(
            DisputeEvidence.dispute_id == dispute.id,
            DisputeEvidence.org_id == org_id,
            DisputeEvidence.side == command.side,
        )
    ).all()
    same = next((one for one in shown if one.sha256 == command.stored.sha256), None)
    if same is not None:
        return same
    require_open(dispute)
    if len(shown) >= MOST:
        raise Conflict("dispute_evidence_full", limit=MOST)
    added = DisputeEvidence(
        id=uuid7(),
        payer_org_id=dispute.payer_org_id,
        dispute_id=dispute.id,
        org_id=org_id,
        seller_org_ids=_readers(dispute, command.side, org_id),
        side=command.side,
        file_key=command.stored.key,
        file_name=plain_text(command.file_name)[:200] or "document",
        media_type=command.media_type,
        size_bytes=command.stored.size_bytes,
        sha256=command.stored.sha256,
        submitted_by=uow.principal.accountable_id,
        created_at=clock.now(),
    )
    uow.session.add(added)
    uow.flush()
    return added


def find_dispute_evidence(
    uow: UnitOfWork, dispute_id: UUID, evidence_id: UUID, *, side: Side | None
) -> DisputeEvidence:
    """A document that the acting organization may open: a seller its own and the buyer's, the buyer its own and what the bank
    was sent, operators (None) all.

    Raises: NotFound `dispute_evidence_not_found`.
    """
    row = uow.session.scalar(
        select(DisputeEvidence).where(DisputeEvidence.id == evidence_id, DisputeEvidence.dispute_id == dispute_id)
    )
    if side is None:
        uow.principal.require("operator.read")
    if row is None or (side is not None and not _may_open(uow, row, side)):
        raise NotFound("dispute_evidence_not_found")
    return row


def require_open(dispute: Dispute) -> None:
    """Raises Conflict `dispute_ended`, `dispute_evidence_submitted`, `dispute_answer_over`: nothing can be said any more."""
    if dispute.state != "open":
        raise Conflict("dispute_ended", state=dispute.state)
    if dispute.submitted_at is not None or dispute.submission_id is not None:
        raise Conflict("dispute_evidence_submitted")
    if clock.now() >= dispute.answer_by:
        raise Conflict("dispute_answer_over")


def is_answerable(dispute: Dispute) -> bool:
    """Whether the sides may still say their part."""
    try:
        require_open(dispute)
    except Conflict:
        return False
    return True


def lock_side(uow: UnitOfWork, dispute_id: UUID, side: Side) -> Dispute:
    """A dispute of which the acting organization is this side, locked. Raises NotFound `dispute_not_found`."""
    org_id = uow.principal.organization()
    mine = Dispute.payer_org_id == org_id if side == "buyer" else Dispute.seller_org_ids.contains([org_id])
    dispute = uow.session.scalar(select(Dispute).where(Dispute.id == dispute_id, mine).with_for_update())
    if dispute is None:
        raise NotFound("dispute_not_found")
    return dispute


def _readers(dispute: Dispute, side: Side, org_id: UUID) -> list[UUID]:
    return list(dispute.seller_org_ids) if side == "buyer" else [org_id]


def _may_open(uow: UnitOfWork, row: DisputeEvidence, side: Side) -> bool:
    org_id = uow.principal.organization()
    if side == "seller":
        return org_id in row.seller_org_ids
    if row.payer_org_id != org_id:
        return False
    sent = uow.session.scalars(
        select(DisputeSubmission.documents).where(
            DisputeSubmission.dispute_id == row.dispute_id, DisputeSubmission.state == "sent"
        )
    ).first()
    return row.side == "buyer" or any(one["id"] == str(row.id) for one in sent or ())
