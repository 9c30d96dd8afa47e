"""The platform's money dashboard: close statements, pay them out, watch what waits; and, in the sandbox, move the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import Field

from api.known_values import state_in
from api.language import language_of
from api.problems import sentence
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, UtcIn, Wire, idempotent_command, list_page
from api.v1.purchases import require_gateway
from api.v1.settlement_out import PayoutOut, StatementOut
from billing.operator_queues import OperatorQueue, list_operator_queues
from billing.payouts.models import PAYOUT
from billing.payouts.pay_out import PayOut, pay_out
from billing.payouts.queries import get_payout, list_payouts
from billing.settlement.close_statements import CloseStatements, close_statements
from billing.statements.models import STATEMENT
from billing.statements.queries import get_statement, list_statements
from kernel import audit, clock, sandbox_clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from kernel.jobs.runner import replay

T = TypeVar("T")
LONGEST_STEP_S = 400 * 86_400
OrgParameter = Annotated[UUID | None, QueryParameter(name="org_id", required=False, description="Only this party's")]


class CloseIn(Wire):
    """Close up to `until` (default: now), for one organization or for all."""

    until: UtcIn | None = None
    org_id: UUID | None = None


class RefusedOut(Out):
    """A party whose period was not closed, and why, as in a problem's `code` and `detail`."""

    org_id: UUID
    currency: str
    code: str
    detail: str


class ClosedOut(Out):
    """The statements that were closed, and the parties that were refused."""

    items: list[StatementOut]
    refused: list[RefusedOut]


class PayOutIn(Wire):
    """Pay a closed statement. `destination` is what the gateway calls the party's account: of Stripe the connected
    account's id, in the sandbox a token of docs/sandbox.md. Without an account nothing is paid.
    """

    statement_id: UUID
    gateway: Annotated[str, Field(max_length=40)] = ""
    destination: Annotated[str, Field(max_length=100)] = ""


class ClockIn(Wire):
    """Move the installation's clock forward."""

    advance_s: Annotated[int, Field(strict=True, gt=0, le=LONGEST_STEP_S)]


class ClockOut(Out):
    """The installation's time, and by how much it is ahead of the real one."""

    now: datetime
    ahead_s: int


@get("/v1/operator/money-queues", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_queues(request: ApiRequest) -> list[OperatorQueue]:
    """What is in doubt at a gateway, what failed, what cannot be believed."""
    with request.transaction() as uow:
        return list_operator_queues(uow)


@get("/v1/operator/statements", permission="operator.payouts", sync_to_thread=True, tags=["operator"])
def list_all_statements(
    request: ApiRequest,
    paging: Given[Paging],
    org_id: OrgParameter = None,
    only: Annotated[str | None, state_in(STATEMENT.states)] = None,
) -> Response[PageOut[StatementOut]]:
    """Everybody's statements, newest first."""
    return list_page(request, paging, list_statements, StatementOut.of, org_id=org_id, state=only)


@post("/v1/operator/statements", permission="operator.payouts", sync_to_thread=True, tags=["operator"])
def close(data: JSONBody[CloseIn], request: ApiRequest) -> ClosedOut:
    """Close the period of every party that has something to settle, each by itself. Repeating it closes nothing twice."""

    def own(work: Callable[[UnitOfWork], T], /) -> T:
        return request.transact(work)

    closed = close_statements(own, CloseStatements(data.until or clock.now(), data.org_id))
    language = language_of(request)

    def tell(uow: UnitOfWork) -> ClosedOut:
        audit.record(uow, "statements.closed", count=len(closed.statement_ids), refused=len(closed.refused))
        return ClosedOut(
            items=[StatementOut.of(get_statement(uow, statement_id)[0]) for statement_id in closed.statement_ids],
            refused=[
                RefusedOut(
                    org_id=refused.org_id,
                    currency=refused.currency,
                    code=refused.error.code,
                    detail=" ".join(sentence(refused.error.code, language, refused.error.params).values()),
                )
                for refused in closed.refused
            ],
        )

    return own(tell)


@get("/v1/operator/payouts", permission="operator.payouts", sync_to_thread=True, tags=["operator"])
def list_all_payouts(
    request: ApiRequest,
    paging: Given[Paging],
    org_id: OrgParameter = None,
    only: Annotated[str | None, state_in(PAYOUT.states)] = None,
) -> Response[PageOut[PayoutOut]]:
    """Everybody's payouts, newest first."""
    return list_page(request, paging, list_payouts, PayoutOut.of, org_id=org_id, state=only)


@post("/v1/operator/payouts", permission="operator.payouts", refuses=[404], sync_to_thread=True, tags=["operator"])
def create_payout(data: JSONBody[PayOutIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[PayoutOut]:
    """Pay a closed statement. Needs an Idempotency-Key."""
    if data.gateway:
        require_gateway(request.services, data.gateway)

    def ask(uow: UnitOfWork) -> PayoutOut:
        payout_id = pay_out(uow, PayOut(data.statement_id, data.gateway, data.destination))
        audit.record(uow, "payout.scheduled", subject_id=payout_id)
        return PayoutOut.of(get_payout(uow, payout_id))

    return idempotent_command(request, idempotency_key, data, ask)


@post("/v1/operator/clock", permission="operator.clock", sync_to_thread=True, status_code=200, tags=["operator"])
def advance_clock(data: JSONBody[ClockIn], request: ApiRequest) -> ClockOut:
    """Move the clock of every process forward, so that holds and renewals can be seen. Sandbox only."""
    if not request.services.sandbox:
        raise Forbidden("sandbox_only")

    def work(uow: UnitOfWork) -> int:
        audit.record(uow, "clock.advanced", seconds=data.advance_s)
        return sandbox_clock.advance(uow, timedelta(seconds=data.advance_s))

    ahead_s = request.transact(work)
    clock.shift(timedelta(seconds=ahead_s))
    return ClockOut(now=clock.now(), ahead_s=ahead_s)


@post(
    "/v1/operator/jobs/{job_id:uuid}/replay",
    permission="operator.jobs",
    sync_to_thread=True,
    status_code=204,
    tags=["operator"],
)
def replay_job(job_id: FromPath[UUID], request: ApiRequest) -> None:
    """Give a job that was given up another life, with all its attempts."""

    def work(uow: UnitOfWork) -> None:
        replay(uow, job_id)
        audit.record(uow, "job.replayed", subject_id=job_id)

    request.transact(work)


routes = [replay_job, list_queues, list_all_statements, close, list_all_payouts, create_payout, advance_clock]
