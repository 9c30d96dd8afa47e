"""The books held against what stands beside them: runs, and differences with who looks into them and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from pydantic import Field

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from billing.reconciliation.decide_difference import DecideDifference, assign_difference, decide_difference
from billing.reconciliation.legs import legs
from billing.reconciliation.models import RECONCILIATION_DIFFERENCE
from billing.reconciliation.queries import (
    DifferenceRow,
    ReconciliationRunRow,
    get_difference,
    last_runs,
    list_differences,
    to_run_row,
)
from billing.reconciliation.reconcile import reconcile
from kernel.db.uow import UnitOfWork
from orders.invoicing import documents_leg

DOCUMENTS = documents_leg.DOCUMENTS
"""Imported for what it registers."""
LegParameter = Annotated[
    str | None,
    QueryParameter(
        name="leg",
        required=False,
        max_length=40,
        enum=[leg.name for leg in legs()],
        description="Only differences of this leg",
    ),
]


class ReconciliationRunOut(Out):
    """A leg that was compared from end to end."""

    id: UUID
    leg: str
    compared: Annotated[int, Meta(description="Keys on either side")]
    differing: int
    kinds: Annotated[dict[str, int], Meta(description="Keys by kind")]
    started_at: datetime
    ended_at: datetime

    @classmethod
    def of(cls, row: ReconciliationRunRow) -> ReconciliationRunOut:
        """From the query's row."""
        return cls.of_row(row)


class DifferenceOut(Out):
    """Two books that say different things of the same."""

    id: UUID
    leg: str
    kind: str
    subject: Annotated[str, Meta(description="What it is about, as the leg names it: an id or a gateway's reference")]
    expected: Annotated[MoneyOut | None, Meta(description="By the product's own rows; null: it is not there")]
    found: Annotated[MoneyOut | None, Meta(description="By what stands beside them; null: it is not there")]
    state: str
    created_at: Annotated[datetime, Meta(description="Since when it is known")]
    seen_at: Annotated[datetime, Meta(description="When a run found it last")]
    owner_id: Annotated[UUID | None, Meta(description="Who looks into it")]
    owner_name: str | None
    reason: str | None
    decided_by: str | None
    resolved_at: datetime | None

    @classmethod
    def of(cls, row: DifferenceRow) -> DifferenceOut:
        """From the query's row."""
        return cls.of_row(
            row,
            expected=MoneyOut.of(row.expected_minor, row.currency) if row.expected_minor is not None else None,
            found=MoneyOut.of(row.found_minor, row.currency) if row.found_minor is not None else None,
        )


class DecideDifferenceIn(Wire):
    """`explained`: the books are right as they are, or will be. `resolved`: what was wrong was put right."""

    decision: Literal["explained", "resolved"]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class AssignDifferenceIn(Wire):
    """An operator, or null: nobody."""

    owner_id: UUID | None


@get("/v1/operator/reconciliation/runs", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_last_runs(request: ApiRequest) -> list[ReconciliationRunOut]:
    """The last run of each leg. All are compared every half an hour."""
    with request.transaction() as uow:
        return [ReconciliationRunOut.of(row) for row in last_runs(uow)]


@post("/v1/operator/reconciliation/runs", permission="operator.payouts", sync_to_thread=True, tags=["operator"])
def run_now(request: ApiRequest) -> list[ReconciliationRunOut]:
    """Compare every leg now. Repeating it finds the same."""
    return [ReconciliationRunOut.of(to_run_row(run)) for run in reconcile(request.transact)]


@get("/v1/operator/reconciliation/differences", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_all_differences(
    request: ApiRequest,
    paging: Given[Paging],
    leg: LegParameter = None,
    only: Annotated[str | None, state_in(RECONCILIATION_DIFFERENCE.states)] = None,
) -> Response[PageOut[DifferenceOut]]:
    """Differences, the latest first."""
    return list_page(request, paging, list_differences, DifferenceOut.of, leg=leg, state=only)


@get(
    "/v1/operator/reconciliation/differences/{difference_id:uuid}",
    permission="operator.read",
    sync_to_thread=True,
    tags=["operator"],
)
def get_one_difference(difference_id: FromPath[UUID], request: ApiRequest) -> DifferenceOut:
    """One of them."""
    with request.transaction() as uow:
        return DifferenceOut.of(get_difference(uow, difference_id))


@put(
    "/v1/operator/reconciliation/differences/{difference_id:uuid}/owner",
    permission="operator.payouts",
    sync_to_thread=True,
    tags=["operator"],
)
def assign(difference_id: FromPath[UUID], data: JSONBody[AssignDifferenceIn], request: ApiRequest) -> DifferenceOut:
    """Say who looks into it."""

    def work(uow: UnitOfWork) -> DifferenceOut:
        assign_difference(uow, difference_id, data.owner_id)
        return DifferenceOut.of(get_difference(uow, difference_id))

    return request.transact(work)


@post(
    "/v1/operator/reconciliation/differences/{difference_id:uuid}/decision",
    permission="operator.payouts",
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def decide(difference_id: FromPath[UUID], data: JSONBody[DecideDifferenceIn], request: ApiRequest) -> DifferenceOut:
    """Explain it, or say how it was resolved. What is found again after that begins anew."""

    def work(uow: UnitOfWork) -> DifferenceOut:
        decide_difference(uow, DecideDifference(difference_id, data.decision, data.reason))
        return DifferenceOut.of(get_difference(uow, difference_id))

    return request.transact(work)


routes = [list_last_runs, run_now, list_all_differences, get_one_difference, assign, decide]
