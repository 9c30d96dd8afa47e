"""The test of a seller's connector: harmless calls that show that its system is there and does as the protocol asks.

It asks to end an entitlement that was never seen, which every system must answer with success (`docs/protocols/webhook.md`
§4), sends the same message again, and then once with a signature that is not ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from fulfillment.connectors.events import ConnectorTestPassed
from fulfillment.connectors.models import ConnectorRow, ConnectorTranscript
from fulfillment.connectors.ports import Answer, Connector, Refused, RunRequest, Succeeded, TryAgain
from fulfillment.connectors.save_connector import open_secrets, own_connector
from fulfillment.connectors.views import TranscriptStep
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.call_seller import SellerCalls
from fulfillment.runs.models import Run
from fulfillment.runs.request_body import message_id, request_body
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.outbox import emit, enqueue
from kernel.signing import new_webhook_secret
from marketplace.parties import lookups

CHECK = "fulfillment.connector.check"
EXCERPT = 1_000
"""Characters of each message that are kept for the seller to read."""
PATIENCE = timedelta(minutes=2)
"""A test that has not ended by then may be asked for again."""


def ask_for_test(uow: UnitOfWork, connector_id: UUID) -> None:
    """Queue the test of the acting seller's connector.

    Raises: NotFound, Conflict `connector_test_running`. Locks: the connector.
    """
    row, now = own_connector(uow, connector_id), clock.now()
    if row.test_asked_at is not None and row.tested_at is None and now < row.test_asked_at + PATIENCE:
        raise Conflict("connector_test_running")
    row.test_asked_at, row.tested_at, row.test_failure = now, None, None
    asked_at = now.isoformat()
    enqueue(uow, CHECK, {"connector_id": str(row.id), "asked_at": asked_at}, dedupe_key=f"{row.id}:{asked_at}")
    audit.record(uow, "connector.test_asked", subject_id=row.id)


@dataclass(frozen=True, slots=True)
class _Check:
    connector_id: UUID
    asked_at: datetime
    kind: str
    request: RunRequest


class CheckConnector:
    """The steps of a job that makes the calls and writes down what came of them.

    Nothing is written when the connector was changed or asked for again meanwhile. Emits: ConnectorTestPassed.
    """

    def __init__(self, ports: SellerCalls) -> None:
        self._ports = ports

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Check | None:
        """What to ask of whom, while this very check is waited for."""
        asked_at = datetime.fromisoformat(claim.payload["asked_at"])
        return _prepare(uow, UUID(claim.payload["connector_id"]), asked_at, self._ports)

    def call(self, request: _Check) -> tuple[TranscriptStep, ...]:
        """Ask, step by step, until one of them fails."""
        return run_steps(self._ports.connectors[request.kind], request.request)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Check, answer: tuple[TranscriptStep, ...]) -> None:
        """Write it down."""
        _record(uow, request.connector_id, request.asked_at, answer)


def find_failure(steps: Sequence[TranscriptStep]) -> str | None:
    """Why the seller's system does not pass; None when it does, or when there was nothing to call."""
    return next((step.failure for step in steps if step.failure is not None), None)


def run_steps(connector: Connector, request: RunRequest) -> tuple[TranscriptStep, ...]:
    """What was asked and answered, up to the first step that fails. No step where there is nothing to call."""
    if request.url is None:
        return ()
    steps: list[TranscriptStep] = []
    names: set[str | None] = set()
    for name in ("message", "repetition"):
        answer = connector.call(request)
        failure = answer.reason if isinstance(answer, Refused | TryAgain) else None
        if isinstance(answer, Succeeded):
            names.add(answer.external_id)
            failure = "answer_not_repeated" if len(names) > 1 else None
        steps.append(_step(name, answer, failure))
        if failure is not None:
            return tuple(steps)
    forged = connector.call(replace(request, secrets=(new_webhook_secret(),)))
    steps.append(_step("forgery", forged, None if isinstance(forged, Refused) else "forgery_not_refused"))
    return tuple(steps)


def _step(name: str, answer: Answer, failure: str | None) -> TranscriptStep:
    wire = answer.exchange
    sent, answered = wire.request_excerpt[:EXCERPT], wire.response_excerpt[:EXCERPT]
    return TranscriptStep(name, wire.status, wire.elapsed_ms, sent, answered, failure)


def _prepare(uow: UnitOfWork, connector_id: UUID, asked_at: datetime, ports: SellerCalls) -> _Check | None:
    row = _awaited(uow, connector_id, asked_at)
    if row is None:
        return None
    # Both stay out of the session: nothing was bought, and a callback finds no run.
    run = Run(id=uuid7(), operation="deprovision", tries=1, created_at=asked_at, deadline_at=asked_at + PATIENCE)
    entitlement = Entitlement(id=uuid7(), seats=0, term_months=0, context=_context(uow, row))
    request = RunRequest(
        run_id=run.id,
        message_id=message_id(run),
        operation=run.operation,
        body=request_body(run, entitlement, signer=ports.signer, public_url=ports.public_url),
        url=row.url,
        secrets=open_secrets(row, ports.box),
        connector=str(row.id),
    )
    return _Check(connector_id, asked_at, row.kind, request)


def _context(uow: UnitOfWork, row: ConnectorRow) -> dict[str, object]:
    """What a call always says, with the seller itself in the buyer's place."""
    seller, nothing = lookups.get_party(uow, row.org_id), str(row.id)
    return {
        "test": True,
        "order_id": nothing,
        "order_line_id": nothing,
        "organization": {"id": str(seller.org_id), "name": seller.legal_name, "country": seller.country},
        "listing": {"id": nothing, "title": row.name},
        "plan": {"id": nothing, "code": "connector-test", "name": row.name},
    }


def _record(uow: UnitOfWork, connector_id: UUID, asked_at: datetime, steps: Sequence[TranscriptStep]) -> None:
    row = _awaited(uow, connector_id, asked_at)
    if row is None:
        return
    failure = find_failure(steps)
    row.tested_at, row.test_failure = clock.now(), failure
    transcript = uow.session.get(ConnectorTranscript, row.id)
    if transcript is None:
        transcript = ConnectorTranscript(connector_id=row.id, org_id=row.org_id)
        uow.session.add(transcript)
    transcript.steps, transcript.created_at = [asdict(step) for step in steps], row.tested_at
    if failure is None:
        emit(uow, ConnectorTestPassed(connector_id=row.id, org_id=row.org_id))


def _awaited(uow: UnitOfWork, connector_id: UUID, asked_at: datetime) -> ConnectorRow | None:
    """The locked connector, if this very test is still waited for."""
    row = lock_row(uow.session, ConnectorRow, connector_id)
    return row if row is not None and row.test_asked_at == asked_at and row.tested_at is None else None
