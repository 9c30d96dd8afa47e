"""Runs against a seller's own system: what was asked, what came back, and once more by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from api.request import ApiRequest
from api.schema import LimitParameter, Out, PageOut, Paging, list_page
from fulfillment.runs import queries as runs_queries
from fulfillment.runs.replay_run import replay_run
from fulfillment.runs.views import RunDetail, RunRow
from kernel.db.uow import UnitOfWork

RunState = Literal["queued", "calling", "waiting", "succeeded", "failed", "dead"]


class RunOut(Out):
    """One operation for one entitlement."""

    id: UUID
    entitlement_id: UUID
    order_line_id: UUID
    order_id: str | None
    order_number: str | None
    buyer_org_id: UUID
    buyer_name: str
    title: str
    title_en: str
    operation: str
    state: str
    percent: int
    message: str | None
    message_en: str | None
    tries: int
    failure: str | None
    deadline_at: datetime
    created_at: datetime
    finished_at: datetime | None
    may_replay: bool

    @classmethod
    def of(cls, row: RunRow) -> RunOut:
        """From the query's row."""
        return cls.of_row(row, order_line_id=row.reference)


class AttemptOut(Out):
    """One try. Excerpts are cut short and redacted."""

    id: UUID
    number: int
    started_at: datetime
    outcome: Annotated[str, Meta(description="started, succeeded, accepted, refused, retry or unknown")]
    status: Annotated[int | None, Meta(description="HTTP status, when one came")]
    elapsed_ms: int | None
    reason: str | None
    request_excerpt: str | None
    response_excerpt: str | None


class RunDetailOut(RunOut):
    """A run with its tries, the first first."""

    attempts: list[AttemptOut]

    @classmethod
    def of_detail(cls, detail: RunDetail) -> RunDetailOut:
        """From the query's rows."""
        attempts = [AttemptOut.of_row(item) for item in detail.attempts]
        return cls.of_row(detail.row, order_line_id=detail.row.reference, attempts=attempts)


class TroubledOut(Out):
    """Runs that need a hand, newest first."""

    items: list[RunOut]


@get("/v1/seller/runs", permission="seller.orders.read", sync_to_thread=True, tags=["seller"])
def list_runs(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[
        RunState | None, QueryParameter(name="state", required=False, description="Only runs in this state")
    ] = None,
) -> Response[PageOut[RunOut]]:
    """Runs against the organization's system, newest first."""
    return list_page(request, paging, runs_queries.runs_of_seller, RunOut.of, state=only)


@get("/v1/seller/runs/troubled", permission="seller.orders.read", sync_to_thread=True, tags=["seller"])
def list_troubled(request: ApiRequest, limit: LimitParameter = 50) -> TroubledOut:
    """Runs that were given up, or tried in vain for a while."""
    with request.transaction() as uow:
        return TroubledOut(items=[RunOut.of(row) for row in runs_queries.troubled_runs(uow, limit=limit)])


@get("/v1/seller/runs/{run_id:uuid}", permission="seller.orders.read", sync_to_thread=True, tags=["seller"])
def get_run(run_id: FromPath[UUID], request: ApiRequest) -> RunDetailOut:
    """One run with every try."""
    with request.transaction() as uow:
        return _seen(uow, run_id)


@post(
    "/v1/seller/runs/{run_id:uuid}/replay",
    permission="runs.replay",
    sync_to_thread=True,
    status_code=200,
    tags=["seller"],
)
def replay(run_id: FromPath[UUID], request: ApiRequest) -> RunDetailOut:
    """Queue a run that was given up once more, with a fresh deadline. The same message id: the seller knows it again."""

    def again(uow: UnitOfWork) -> RunDetailOut:
        replay_run(uow, run_id)
        uow.flush()
        return _seen(uow, run_id)

    return request.transact(again)


def _seen(uow: UnitOfWork, run_id: UUID) -> RunDetailOut:
    return RunDetailOut.of_detail(runs_queries.get_run(uow, run_id))


routes = [list_runs, list_troubled, get_run, replay]
