"""One try of a run: write down the intent, call holding no lock, write down what came of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.ports import Accepted, Answer, Connectors, Refused, RunRequest, Succeeded, TryAgain
from fulfillment.connectors.save_connector import open_secrets
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.conclude import Success, give_up, lock_run, succeed
from fulfillment.runs.models import Run, RunAttempt
from fulfillment.runs.states import RUN
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.registry import RetryLater
from kernel.jobs.run import JobContext
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner

CALLBACK = "run-callback"
"""Purpose of the signed token in a callback address."""
CALLBACK_KEPT = timedelta(days=30)
"""A seller may answer this long after the deadline; a late success is then taken down, not lost."""
BUSY_AGAIN = timedelta(seconds=2)
BACKOFF_BASE_S = 1.0
BACKOFF_CAP_S = 900.0
EVENT_TYPE = "com.channelmarket.run.{operation}.v1"


@dataclass(frozen=True, slots=True)
class SellerCalls:
    """The ports a try needs."""

    connectors: Connectors
    box: SecretBox
    signer: TokenSigner
    public_url: str


@dataclass(frozen=True, slots=True)
class _Try:
    attempt_id: UUID
    kind: str
    request: RunRequest


def call_seller(ctx: JobContext, run_id: UUID, ports: SellerCalls) -> None:
    """Carry one queued run one step further.

    A worker that died between call and record leaves the run `calling`; whoever takes over marks that try `unknown` and
    sends the same message again: its id makes the second delivery harmless.

    Raises: RetryLater until the run's deadline.
    """
    prepared = ctx.transact(lambda uow: _prepare(uow, run_id, ctx.claim.epoch, ports))
    if prepared is None:
        return
    answer = ports.connectors.by_kind[prepared.kind].call(prepared.request)
    again = ctx.transact(lambda uow: _record(uow, run_id, prepared.attempt_id, answer))
    if again is not None:
        raise RetryLater(again, type(answer).__name__)


def _prepare(uow: UnitOfWork, run_id: UUID, epoch: int, ports: SellerCalls) -> _Try | None:
    run, entitlement = lock_run(uow, run_id)
    if run.state not in ("queued", "calling"):
        return None
    other = uow.session.scalar(
        select(func.count())
        .select_from(Run)
        .where(Run.entitlement_id == entitlement.id, Run.id != run.id, Run.state.in_(("calling", "waiting")))
    )
    if other:
        raise RetryLater(BUSY_AGAIN, "another run of this entitlement is under way")
    org_ids = [run.buyer_org_id, run.seller_org_id]
    uow.session.execute(
        update(RunAttempt)
        .where(RunAttempt.run_id == run.id, RunAttempt.outcome == "started")
        .values(outcome="unknown", reason="worker_lost")
    )
    RUN.move(uow, run, "calling", org_ids=org_ids)
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
        message_id=f"msg_{run.id.hex}",
        operation=run.operation,
        try_number=run.tries,
        body=_body(run, entitlement, ports),
        url=connector.url if connector else None,
        secrets=open_secrets(connector, ports.box) if connector else (),
    )
    return _Try(attempt.id, connector.kind if connector else "none", request)


def _body(run: Run, entitlement: Entitlement, ports: SellerCalls) -> dict[str, Any]:
    """The CloudEvents 1.0 envelope; everything but `attempt` is the same on every try."""
    token = ports.signer.sign_token(CALLBACK, {"run": str(run.id)}, run.deadline_at + CALLBACK_KEPT)
    return {
        "specversion": "1.0",
        "id": f"msg_{run.id.hex}",
        "source": ports.public_url,
        "type": EVENT_TYPE.format(operation=run.operation),
        "time": run.created_at.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "operation": run.operation,
            "run_id": str(run.id),
            "attempt": run.tries,
            "entitlement_id": str(entitlement.id),
            "external_id": entitlement.external_id,
            "seats": entitlement.seats,
            "callback_url": f"{ports.public_url}/hooks/runs/{token}",
            "deadline_at": run.deadline_at.isoformat(),
            **entitlement.context,
        },
    }


def _record(uow: UnitOfWork, run_id: UUID, attempt_id: UUID, answer: Answer) -> timedelta | None:
    run, entitlement = lock_run(uow, run_id)
    outcome, reason = _outcome(answer)
    uow.session.execute(
        update(RunAttempt)
        .where(RunAttempt.run_id == run.id, RunAttempt.id == attempt_id)
        .values(
            outcome=outcome,
            reason=reason,
            status=answer.exchange.status,
            elapsed_ms=answer.exchange.elapsed_ms,
            request_excerpt=answer.exchange.request_excerpt,
            response_excerpt=answer.exchange.response_excerpt,
        )
    )
    org_ids = [run.buyer_org_id, run.seller_org_id]
    match answer:
        case Succeeded():
            succeed(uow, run, entitlement, Success(answer.external_id, answer.launch_url, answer.message))
        case Accepted():
            # The callback may have come before this line; then the run has moved on already.
            if run.state == "calling":
                RUN.move(uow, run, "waiting", org_ids=org_ids)
        case Refused():
            give_up(uow, run, entitlement, state="failed", reason=answer.reason)
        case TryAgain():
            if run.state == "calling":
                return _again(uow, run, entitlement, answer)
    return None


def _again(uow: UnitOfWork, run: Run, entitlement: Entitlement, answer: TryAgain) -> timedelta | None:
    delay_s = answer.after_s or min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(run.tries - 1, 20)) * random.uniform(  # noqa: S311 - jitter
        0.5, 1.0
    )
    delay = timedelta(seconds=delay_s)
    if clock.now() + delay >= run.deadline_at:
        give_up(uow, run, entitlement, state="dead", reason=answer.reason)
        return None
    RUN.move(uow, run, "queued", org_ids=[run.buyer_org_id, run.seller_org_id], reason=answer.reason)
    return delay


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
