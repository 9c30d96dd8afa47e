"""One try of a run: write down the intent, call holding no lock, write down what came of it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select, update

from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.ports import Accepted, Answer, Connector, Refused, RunRequest, Succeeded, TryAgain
from fulfillment.connectors.save_connector import open_secrets
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.conclude import Success, give_up, lock_run, succeed
from fulfillment.runs.models import Run, RunAttempt
from fulfillment.runs.request_body import message_id, request_body
from fulfillment.runs.states import RUN
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.kinds import RetryLater
from kernel.jobs.runner import JobContext
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner

BUSY_AGAIN = timedelta(seconds=2)
BACKOFF_BASE_S = 2.0
BACKOFF_CAP_S = 600.0


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
    attempt_id: UUID
    started_at: datetime
    kind: str
    request: RunRequest


def call_seller(ctx: JobContext, run_id: UUID, ticket: int, ports: SellerCalls) -> None:
    """Carry one queued run one step further, if `ticket` is still the run's.

    A worker that died between call and record leaves the run `calling`; whoever takes over marks that try `unknown` and
    sends the same message again: its id makes the second delivery harmless.

    Raises: RetryLater until the run's deadline.
    """
    prepared = ctx.transact(lambda uow: _prepare(uow, run_id, ticket, ctx.claim.epoch, ports))
    if prepared is None:
        return
    answer = ports.connectors[prepared.kind].call(prepared.request)
    again = ctx.transact(lambda uow: _record(uow, run_id, ticket, prepared, answer))
    if again is not None:
        raise RetryLater(again, type(answer).__name__)


def _prepare(uow: UnitOfWork, run_id: UUID, ticket: int, epoch: int, ports: SellerCalls) -> _Try | None:
    run, entitlement = lock_run(uow, run_id)
    if run.ticket != ticket or run.state not in ("queued", "calling"):
        return None
    if entitlement.state == "ended" and run.operation != "deprovision":
        give_up(uow, run, entitlement, state="dead", reason="entitlement_ended")
        return None
    if run.deadline_at <= clock.now():
        give_up(uow, run, entitlement, state="dead", reason="deadline_missed")
        return None
    if _other_is_under_way(uow, run):
        raise RetryLater(BUSY_AGAIN, "another run of this entitlement is under way")
    uow.session.execute(
        update(RunAttempt)
        .where(
            RunAttempt.buyer_org_id == run.buyer_org_id,
            RunAttempt.run_id == run.id,
            RunAttempt.started_at >= run.created_at,
            RunAttempt.outcome == "started",
        )
        .values(outcome="unknown", reason="worker_lost")
    )
    RUN.move(uow, run, "calling", org_ids=[run.buyer_org_id, run.seller_org_id])
    run.tries += 1
    attempt = RunAttempt(
        id=uuid7(),
        started_at=clock.now(),
        run_id=run.id,
        buyer_org_id=run.buyer_org_id,
        seller_org_id=run.seller_org_id,
        number=run.tries,
        epoch=epoch,
        outcome="started",
    )
    uow.session.add(attempt)
    connector = uow.session.get(ConnectorRow, entitlement.connector_id) if entitlement.connector_id else None
    request = RunRequest(
        run_id=run.id,
        message_id=message_id(run),
        operation=run.operation,
        body=request_body(run, entitlement, signer=ports.signer, public_url=ports.public_url),
        url=connector.url if connector else None,
        secrets=open_secrets(connector, ports.box) if connector else (),
    )
    return _Try(attempt.id, attempt.started_at, connector.kind if connector else "none", request)


def _other_is_under_way(uow: UnitOfWork, run: Run) -> bool:
    other = exists().where(
        Run.buyer_org_id == run.buyer_org_id,
        Run.entitlement_id == run.entitlement_id,
        Run.id != run.id,
        Run.state.in_(("calling", "waiting")),
    )
    return bool(uow.session.scalar(select(other)))


def _record(uow: UnitOfWork, run_id: UUID, ticket: int, tried: _Try, answer: Answer) -> timedelta | None:
    run, entitlement = lock_run(uow, run_id)
    outcome, reason = _outcome(answer)
    uow.session.execute(
        update(RunAttempt)
        .where(RunAttempt.id == tried.attempt_id, RunAttempt.started_at == tried.started_at)
        .values(
            outcome=outcome,
            reason=reason,
            status=answer.exchange.status,
            elapsed_ms=answer.exchange.elapsed_ms,
            request_excerpt=answer.exchange.request_excerpt,
            response_excerpt=answer.exchange.response_excerpt,
        )
    )
    if isinstance(answer, Succeeded):
        # Done is done, whoever asked and whenever it is heard.
        succeed(uow, run, entitlement, Success(answer.external_id, answer.launch_url, *answer.words))
        return None
    if run.ticket != ticket or run.state != "calling":
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


def _again(uow: UnitOfWork, run: Run, entitlement: Entitlement, answer: TryAgain) -> timedelta | None:
    delay = timedelta(seconds=answer.after_s) if answer.after_s else backoff(run.tries)
    if clock.now() + delay >= run.deadline_at:
        give_up(uow, run, entitlement, state="dead", reason=answer.reason)
        return None
    RUN.move(uow, run, "queued", org_ids=[run.buyer_org_id, run.seller_org_id], reason=answer.reason)
    return delay


def backoff(tries: int) -> timedelta:
    """The pause after try number `tries`: 2 s, 4 s, 8 s … 10 minutes, less up to half of it by chance."""
    ceiling_s = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(max(tries, 1) - 1, 20))
    return timedelta(seconds=ceiling_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is not a secret


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
