"""Incoming webhooks of gateways: stored once, answered, then looked into by asking the gateway itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from billing.gateways.call import GatewayOperation, GatewayRequest, Gateways, ask
from billing.gateways.ports import GatewayWebhook
from billing.gateways.result import ApplyOutcome, GatewayResult
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.models import Inbox
from kernel.jobs.outbox import enqueue

PROCESS = "billing.gateway.webhook"
"""Kind of the job that looks into a webhook."""
NEEDS_PERSON = "needs_person"
"""In a stored webhook: no question to the gateway settles it."""
ANSWER_FIRST = timedelta(seconds=10)
"""How long a webhook that comes beside an answer waits for that answer to settle it."""


def store_webhook(uow: UnitOfWork, gateway: str, notice: GatewayWebhook, *, beside_answer: bool = False) -> bool:
    """Store a verified webhook and enqueue its processing. Returns False when it was received before.

    `beside_answer`: the same is being answered, for the first time, to whoever asked; so it cannot have been received before,
    and is looked into only if the answer settles nothing.
    Idempotent by: (gateway, event id).
    """
    row = Inbox(
        id=uuid7(),
        source=gateway,
        event_id=notice.event_id,
        kind=notice.kind,
        body={**notice.body, "reference": notice.reference, NEEDS_PERSON: notice.needs_person},
        state="received",
        received_at=clock.now(),
    )
    if beside_answer:
        uow.add(row)
        return True
    if not uow.add_if_absent(row, "source", "event_id"):
        return False
    enqueue_processing(uow, row.id)
    return True


def enqueue_processing(uow: UnitOfWork, inbox_id: UUID) -> None:
    """Let a job look into a stored webhook."""
    enqueue(uow, PROCESS, {"inbox_id": str(inbox_id)}, dedupe_key=str(inbox_id))


def named_id(body: Mapping[str, Any], name: str) -> UUID | None:
    """The id of ours that the gateway gave back in a webhook's metadata; good for finding a row, never for believing."""
    metadata = body.get("metadata")
    value = metadata.get(name) if isinstance(metadata, Mapping) else None
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def close_webhook(uow: UnitOfWork, inbox_id: UUID, state: str, note: str | None = None) -> None:
    """Say what became of a webhook: processed, ignored (nothing of ours) or quarantined (a person must look)."""
    row = uow.session.get_one(Inbox, inbox_id)
    row.state = state
    row.note = note
    row.processed_at = clock.now()


@dataclass(frozen=True, slots=True)
class _Question:
    inbox_id: UUID
    operation: GatewayOperation
    request: GatewayRequest


class ProcessWebhook:
    """The steps of looking into a webhook. One about a row whose state is final, and stays, is closed at once."""

    def __init__(self, gateways: Gateways, operations: Sequence[GatewayOperation]) -> None:
        self._gateways = gateways
        self._operations = operations

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Question | None:
        """Find whose webhook it is, and what to ask about that row."""
        inbox_id = UUID(claim.payload["inbox_id"])
        stored = uow.session.get_one(Inbox, inbox_id)
        if stored.state != "received":
            return None
        if stored.body.get(NEEDS_PERSON):
            close_webhook(uow, inbox_id, "quarantined", "only a person can settle this")
            return None
        found = self._subject(uow, stored)
        if found is None:
            close_webhook(uow, inbox_id, "ignored", "nothing of ours has this reference")
            return None
        operation, row_id = found
        # Money that comes after a definite failure must not be overlooked: a failed payment is asked about again.
        request = operation.open(uow, row_id, first=False, recheck=True)
        if request is None:
            close_webhook(uow, inbox_id, "processed", f"{operation.name} {row_id}: {ApplyOutcome.NOTHING_NEW.value}")
            return None
        return _Question(inbox_id, operation, request)

    def call(self, request: _Question) -> GatewayResult:
        """Ask the gateway what became of the row."""
        return ask(self._gateways, request.request)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Question, answer: GatewayResult) -> None:
        """Apply the answer and close the webhook."""
        row_id = request.request.row_id
        outcome = request.operation.apply(uow, row_id, answer)
        state = "quarantined" if outcome is ApplyOutcome.CONTRADICTS else "processed"
        close_webhook(uow, request.inbox_id, state, f"{request.operation.name} {row_id}: {outcome.value}")

    def _subject(self, uow: UnitOfWork, stored: Inbox) -> tuple[GatewayOperation, UUID] | None:
        """Whose webhook it is: by the gateway's reference, or by our id in its metadata when it overtook the answer."""
        for operation in self._operations:
            found = operation.find_by_reference(uow, stored.source, stored.body.get("reference"))
            if found is None:
                named = named_id(stored.body, f"{operation.name}_id")
                # Our id in a webhook about something else (a refund names its payment, too) is not its subject.
                if named is not None and stored.kind.startswith(operation.name):
                    found = operation.find_by_id(uow, named)
            if found is not None:
                return operation, found
        return None
