"""One try of a run: write down the intent, call holding no lock, write down what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, exists, literal_column, select
from sqlalchemy.orm import aliased

from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.ports import Accepted, Answer, Connector, Refused, RunRequest, Succeeded, TryAgain
from fulfillment.connectors.save_connector import open_secrets
from fulfillment.entitlements.events import EntitlementActivated
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.conclude import (
    Success,
    activation_of,
    ask_run,
    give_up,
    lock_order_of,
    lock_run,
    succeed,
)
from fulfillment.runs.models import RUN, Run, RunAttempt
from fulfillment.runs.request_body import message_id, request_body
from kernel import clock
from kernel.backoff import backoff
from kernel.db.locks import lock_aggregate
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again
from kernel.jobs.outbox import expect
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner

BUSY_AGAIN = timedelta(seconds=2)
BACKOFF_FIRST, BACKOFF_LONGEST = timedelta(seconds=2), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SellerCalls:
    """The ports a try needs."""

    connectors: Mapping[str, Connector]
    """By kind."""
    box: SecretBox
    signer: TokenSigner
    public_url: str


@dataclass(frozen=True, slots=True)
class _Try:
    run_id: UUID
    generation: int
    attempt: RunAttempt
    kind: str
    request: RunRequest
    group: UUID
    """The order it belongs to."""
    activation: EntitlementActivated | None
    """What a success will probably tell."""


_other = aliased(Run)
_PREPARED = Read(
    select(
        Entitlement,
        Run,
        ConnectorRow,
        exists()
        .where(
            _other.entitlement_id == Run.entitlement_id,
            _other.id != Run.id,
            # As literals: the index of such runs alone serves no parameters.
            _other.state.in_([literal_column("'calling'"), literal_column("'waiting'")]),
        )
        .label("other_is_under_way"),
    )
    .join(Run, Run.entitlement_id == Entitlement.id)
    .join(ConnectorRow, ConnectorRow.id == Entitlement.connector_id, isouter=True)
    .where(Run.id == bindparam("run_id"))
    .with_for_update(of=(Entitlement, Run), key_share=True)
)


_LOST = """
    UPDATE fulfillment.run_attempt SET outcome = 'unknown', reason = 'worker_lost'
    WHERE run_id = $1 AND buyer_org_id = $2 AND started_at >= $3 AND outcome = 'started'
"""


class CallSeller:
    """The steps of a job that carries one queued run one step further, if its call generation is still the run's.

    A worker that died between call and record leaves the run `calling`; whoever takes over marks that try `unknown` and
    sends the same message again: its id makes the second delivery harmless.
    """

    def __init__(self, ports: SellerCalls) -> None:
        self._ports = ports

    def before_prepare(self, uow: UnitOfWork, claim: JobClaim) -> None:
        """Lock and ask ahead what `prepare` reads."""
        group = _group_of(claim)
        if group is not None:
            lock_aggregate(uow, group)
            uow.ask_ahead(_PREPARED, run_id=UUID(claim.payload["run_id"]))

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Try | Again | None:
        """Write the try down. Locks as `lock_run`."""
        run_id, generation = UUID(claim.payload["run_id"]), int(claim.payload["call_generation"])
        lock_order_of(uow, run_id, _group_of(claim))
        found = uow.find(_PREPARED, run_id=run_id)
        if found is None:
            raise NotFound("not_found")
        run, entitlement, connector = found.Run, found.Entitlement, found.ConnectorRow
        if run.tries and (run.call_generation == generation or run.state != "calling"):
            # Whoever holds the claim knows that no earlier try of it is under way; a callback may have ended the run.
            mark_lost(uow, run)
        if run.call_generation != generation or run.state not in ("queued", "calling"):
            return None
        if entitlement.state == "ended" and run.operation != "deprovision":
            give_up(uow, run, entitlement, state="dead", reason="entitlement_ended")
            return None
        if run.deadline_at <= clock.now():
            give_up(uow, run, entitlement, state="dead", reason="deadline_missed")
            return None
        if found.other_is_under_way:
            return Again(BUSY_AGAIN, "another run of this entitlement is under way")
        RUN.move(uow, run, "calling", org_ids=[run.buyer_org_id, run.seller_org_id])
        run.tries += 1
        attempt = RunAttempt(
            id=uuid7(),
            started_at=clock.now(),
            run_id=run.id,
            buyer_org_id=run.buyer_org_id,
            seller_org_id=run.seller_org_id,
            number=run.tries,
            epoch=claim.epoch,
            outcome="started",
        )
        uow.add(attempt)
        request = RunRequest(
            run_id=run.id,
            message_id=message_id(run),
            operation=run.operation,
            body=request_body(run, entitlement, signer=self._ports.signer, public_url=self._ports.public_url),
            url=connector.url if connector else None,
            secrets=open_secrets(connector, self._ports.box) if connector else (),
            connector=str(connector.id) if connector else "",
        )
        return _Try(
            run_id,
            generation,
            attempt,
            kind=connector.kind if connector else "none",
            request=request,
            group=entitlement.group_reference,
            activation=activation_of(entitlement) if run.operation == "provision" else None,
        )

    def call(self, request: _Try) -> Answer:
        """Send the message to the seller's system."""
        return self._ports.connectors[request.kind].call(request.request)

    def before_conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Try, answer: Answer) -> None:
        """Lock and ask ahead what `conclude` reads, and what follows a success."""
        ask_run(uow, request.run_id, request.group)
        if request.activation is not None and isinstance(answer, Succeeded):
            expect(uow, request.activation)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Try, answer: Answer) -> Again | None:
        """Write down what came of it. Locks as `lock_run`."""
        run, entitlement = lock_run(uow, request.run_id, request.group)
        attempt = uow.attach(request.attempt)
        attempt.outcome, attempt.reason = _outcome(answer)
        attempt.status, attempt.elapsed_ms = answer.exchange.status, answer.exchange.elapsed_ms
        attempt.request_excerpt = answer.exchange.request_excerpt
        attempt.response_excerpt = answer.exchange.response_excerpt
        if isinstance(answer, Succeeded):
            # Done is done, whoever asked and whenever it is heard.
            succeed(uow, run, entitlement, Success(answer.external_id, answer.launch_url, *answer.words))
            return None
        if run.call_generation != request.generation or run.state != "calling":
            # A callback, a deadline or a replay came before this line, and knows more.
            return None
        match answer:
            case Accepted():
                RUN.move(uow, run, "waiting", org_ids=[run.buyer_org_id, run.seller_org_id])
            case Refused():
                give_up(uow, run, entitlement, state="failed", reason=answer.reason)
            case TryAgain():
                return _again(uow, run, entitlement, answer)
        return None


def _group_of(claim: JobClaim) -> UUID | None:
    """The order whose delivery this is. A job that an earlier release left does not say."""
    group = claim.payload.get("group_reference")
    return UUID(group) if group else None


def mark_lost(uow: UnitOfWork, run: Run) -> None:
    """Conclude the tries whose worker died before it could write down the answer."""
    uow.ask(_LOST, (run.id, run.buyer_org_id, run.created_at))


def _again(uow: UnitOfWork, run: Run, entitlement: Entitlement, answer: TryAgain) -> Again | None:
    delay = timedelta(seconds=answer.after_s) if answer.after_s else pause_after(run.tries)
    if clock.now() + delay >= run.deadline_at:
        give_up(uow, run, entitlement, state="dead", reason=answer.reason)
        return None
    RUN.move(uow, run, "queued", org_ids=[run.buyer_org_id, run.seller_org_id], reason=answer.reason)
    return Again(delay, answer.reason)


def pause_after(tries: int) -> timedelta:
    """The pause after try number `tries`: 2 s, 4 s, 8 s … 10 minutes, less up to half of it by chance."""
    return backoff(tries, first=BACKOFF_FIRST, longest=BACKOFF_LONGEST)


def _outcome(answer: Answer) -> tuple[str, str | None]:
    match answer:
        case Succeeded():
            return "succeeded", None
        case Accepted():
            return "accepted", None
        case Refused(reason=reason):
            return "refused", reason
        case TryAgain(reason=reason):
            return "retry", reason
