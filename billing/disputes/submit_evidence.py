"""Tell the bank that decides a dispute what there is to say: written down first, sent by a job, believed when it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from uuid import UUID

from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.disputes.assign_dispute import lock_dispute
from billing.disputes.events import DisputeEvidenceSent
from billing.disputes.models import DISPUTE_SUBMISSION, Dispute, DisputeSubmission
from billing.gateways.call import Gateways
from billing.gateways.ports import (
    EvidenceFile,
    EvidencePurpose,
    EvidenceRequest,
    GatewayRecord,
    GatewayRefused,
    NotReached,
    OutcomeUnknown,
    PaymentGateway,
)
from billing.gateways.result import wait_before_check
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again
from kernel.jobs.outbox import emit, enqueue
from kernel.storage import Storage
from kernel.text import plain_text

SUBMIT_EVIDENCE: Final = "billing.dispute.submit_evidence"
MAX_TEXT: Final = 20_000
"""Characters that Stripe takes: https://docs.stripe.com/api/disputes/evidence_object"""
MAX_DOCUMENTS: Final[dict[str, int]] = {"buyer": 1, "seller": 2}
"""Of each side; a gateway has one place for each purpose."""
MadeBy = Literal["operator", "clock", "refund"]


@dataclass(frozen=True, slots=True)
class EvidenceDocument:
    """A document of a side, as it is stored."""

    id: UUID
    side: str
    file_key: str
    file_name: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SubmitEvidence:
    """What the bank is told, and by whose hand."""

    dispute_id: UUID
    text: str
    documents: Sequence[EvidenceDocument]
    made_by: MadeBy = "operator"


def submit_evidence(uow: UnitOfWork, command: SubmitEvidence) -> DisputeSubmission:
    """Send evidence, once: a bank takes no more. The same text with the same documents again changes nothing.

    Raises:
        NotFound: `dispute_not_found`.
        Invalid: `evidence_text_required`, `text_too_long`, `too_many_documents`.
        Conflict: `dispute_ended`, `dispute_evidence_submitted`: something else is sent or there, `evidence_late`.

    Emits: later, from the job, DisputeEvidenceSent. Locks: the purchase (as an aggregate), the dispute.
    """
    dispute = lock_dispute(uow, command.dispute_id)
    text = plain_text(command.text, multiline=True)
    if not text:
        raise Invalid("evidence_text_required", field="text")
    if len(text) > MAX_TEXT:
        raise Invalid("text_too_long", field="text", limit=MAX_TEXT)
    for side, most in MAX_DOCUMENTS.items():
        if sum(one.side == side for one in command.documents) > most:
            raise Invalid("too_many_documents", field="documents", limit=most)
    documents = [
        {
            "id": str(one.id),
            "side": one.side,
            "file_key": one.file_key,
            "file_name": one.file_name,
            "media_type": one.media_type,
            "size_bytes": one.size_bytes,
        }
        for one in command.documents
    ]
    live = uow.session.get(DisputeSubmission, dispute.submission_id) if dispute.submission_id is not None else None
    if live is not None and (live.text, live.documents) == (text, documents):
        return live
    if dispute.state != "open":
        raise Conflict("dispute_ended", state=dispute.state)
    if live is not None or dispute.submitted_at is not None:
        raise Conflict("dispute_evidence_submitted")
    if clock.now() >= dispute.due_by:
        raise Conflict("evidence_late")
    row = DisputeSubmission(
        id=uuid7(),
        payer_org_id=dispute.payer_org_id,
        dispute_id=dispute.id,
        text=text,
        documents=documents,
        made_by=command.made_by,
        person_id=uow.principal.person_id,
        error_code=None,
        created_at=clock.now(),
        ended_at=None,
    )
    DISPUTE_SUBMISSION.begin(uow, row, org_ids=[])
    uow.session.add(row)
    dispute.submission_id = row.id
    uow.flush()
    audit.record(uow, "dispute.evidence_submitted", subject_id=dispute.id, made_by=row.made_by)
    enqueue(uow, SUBMIT_EVIDENCE, {"submission_id": str(row.id)}, dedupe_key=str(row.id))
    return row


@dataclass(frozen=True, slots=True)
class _Evidence:
    gateway: str
    key: str
    reference: str
    text: str
    documents: tuple[dict[str, Any], ...]
    fresh: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the gateway said: a record, a refusal, or nothing definite."""

    record: GatewayRecord | None = None
    refused: str | None = None


class SendEvidence:
    """The steps of a job that sends one submission. What was sent before without an answer is asked for first."""

    def __init__(self, gateways: Gateways, storage: Storage) -> None:
        self._gateways = gateways
        self._storage = storage

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Evidence | None:
        """What to send to whom."""
        row = lock_row(uow.session, DisputeSubmission, UUID(claim.payload["submission_id"]))
        if row is None or row.state != "sending":
            return None
        dispute = uow.session.get_one(Dispute, row.dispute_id)
        documents = tuple(row.documents)
        fresh, row.tries = row.tries == 0, row.tries + 1
        return _Evidence(dispute.gateway, str(row.id), dispute.gateway_reference, row.text, documents, fresh)

    def call(self, request: _Evidence) -> _Outcome:
        """Send it, unless it is there. A file that is gone fails the job, which is tried again and then a person's."""
        gateway = self._gateways.get(request.gateway)
        if gateway is None:
            return _Outcome(refused="gateway_unknown")
        try:
            found = None if request.fresh else gateway.look_up("dispute", request.reference)
            if found is not None and found.submitted:
                return _Outcome(found)
            return _Outcome(gateway.submit_evidence(self._request(request)))
        except GatewayRefused as refusal:
            return self._refused(gateway, request, refusal.code)
        except (OutcomeUnknown, NotReached):
            return _Outcome()

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Evidence, answer: _Outcome) -> Again | None:
        """Write down what came of it. Emits: DisputeEvidenceSent. Locks: as `apply_gateway_record`."""
        row = uow.session.get_one(DisputeSubmission, UUID(request.key))
        dispute = lock_dispute(uow, row.dispute_id)
        if row.state != "sending":
            return None
        if answer.record is None and answer.refused is None:
            return Again(wait_before_check(row.tries), "the gateway has not answered")
        row.ended_at = clock.now()
        if answer.record is None:
            row.error_code = (answer.refused or "")[:200]
            dispute.submission_id = None
            DISPUTE_SUBMISSION.move(uow, row, "failed", org_ids=[], reason=row.error_code)
            uow.flush()
            return None
        DISPUTE_SUBMISSION.move(uow, row, "sent", org_ids=dispute.parties)
        dispute.submitted_at = dispute.submitted_at or row.ended_at
        uow.flush()
        emit(
            uow,
            DisputeEvidenceSent(
                dispute_id=dispute.id,
                payment_id=dispute.payment_id,
                payer_org_id=dispute.payer_org_id,
                submission_id=row.id,
            ),
        )
        apply_gateway_record(uow, dispute.gateway, answer.record)
        return None

    def _request(self, request: _Evidence) -> EvidenceRequest:
        purposes = {"buyer": ["communication"], "seller": ["service", "other"]}
        files = []
        for one in request.documents:
            purpose = cast("EvidencePurpose", purposes[one["side"]].pop(0))
            content = self._storage.get_bytes(one["file_key"])
            files.append(EvidenceFile(purpose, one["file_name"], one["media_type"], content))
        return EvidenceRequest(request.key, request.reference, request.text, tuple(files))

    def _refused(self, gateway: PaymentGateway, request: _Evidence, code: str) -> _Outcome:
        """Refused it may be because somebody told the bank at the gateway's own dashboard."""
        try:
            found = gateway.look_up("dispute", request.reference)
        except (GatewayRefused, OutcomeUnknown, NotReached):
            return _Outcome()
        return _Outcome(found) if found is not None and found.submitted else _Outcome(refused=code)
