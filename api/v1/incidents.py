"""What gateways did to money after an end or by themselves: incidents and disputes, on the operators' desk."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import MoneyOut, Out, PageOut, Paging, Wire, list_page
from billing.disputes.models import DISPUTE
from billing.disputes.queries import DisputeRow, list_disputes
from billing.incidents.close_incident import CloseIncident, close_incident
from billing.incidents.models import INCIDENT
from billing.incidents.queries import IncidentRow, list_incidents, to_incident_row
from billing.refunds.resend_refund import resend_refund
from kernel.db.uow import UnitOfWork


class IncidentOut(Out):
    """A movement that nobody here asked for. What followed for the parties is booked already."""

    id: UUID
    kind: str
    subject_id: Annotated[UUID, Meta(description="The refund, payout, payment or dispute; good for /v1/trace")]
    gateway: str
    gateway_reference: str
    amount: MoneyOut
    suspense: Annotated[MoneyOut, Meta(description="What of it nobody bears: positive went out, negative came in")]
    code: str
    state: str
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None
    evidence: str | None

    @classmethod
    def of(cls, row: IncidentRow) -> IncidentOut:
        """From the query's row."""
        return cls.of_row(row)


class CloseIncidentIn(Wire):
    """What was done about it, and why that is right. Of a refund that came back: how its buyer was paid, with evidence."""

    resolution: Annotated[str, Field(min_length=1, max_length=1000)]
    evidence: Annotated[
        str, Field(max_length=200, description="Such as the bank's reference; required of a refund that came back")
    ] = ""


class DisputeOut(Out):
    """A payment that its payer disputes, in short. The bank decides."""

    id: UUID
    payment_id: UUID
    gateway: str
    gateway_reference: str
    amount: MoneyOut
    reason: str
    state: str
    due_by: Annotated[datetime, Meta(description="Until when the bank takes evidence")]
    submitted_at: datetime | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: DisputeRow) -> DisputeOut:
        """From the query's row."""
        return cls.of_row(row)


@get("/v1/operator/incidents", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_all_incidents(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(INCIDENT.states)] = None
) -> Response[PageOut[IncidentOut]]:
    """Refunds and payouts that came back, payments that were reversed, refunds made by hand, disputes lost; newest first."""
    return list_page(request, paging, list_incidents, IncidentOut.of, state=only)


@post(
    "/v1/operator/incidents/{incident_id:uuid}/close",
    permission="operator.payouts",
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def close(incident_id: FromPath[UUID], data: JSONBody[CloseIncidentIn], request: ApiRequest) -> IncidentOut:
    """Close an incident with a reason. Done twice, the second is refused (`incident_closed`)."""

    def work(uow: UnitOfWork) -> IncidentOut:
        return IncidentOut.of(
            to_incident_row(close_incident(uow, CloseIncident(incident_id, data.resolution, data.evidence)))
        )

    return request.transact(work)


@post(
    "/v1/operator/incidents/{incident_id:uuid}/resend",
    permission="operator.payouts",
    sync_to_thread=True,
    status_code=200,
    tags=["operator"],
)
def resend(incident_id: FromPath[UUID], request: ApiRequest) -> IncidentOut:
    """Send a refund that came back once more to the method that paid. The incident closes when the gateway has sent it, and is
    open again when it refuses. Done twice, the second is refused (`incident_resending`).
    """
    return request.transact(lambda uow: IncidentOut.of(to_incident_row(resend_refund(uow, incident_id))))


@get("/v1/operator/disputes", permission="operator.read", sync_to_thread=True, tags=["operator"])
def list_all_disputes(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(DISPUTE.states)] = None
) -> Response[PageOut[DisputeOut]]:
    """Disputed payments, newest first. While one is open its shares stand still and nothing of it is refunded."""
    return list_page(request, paging, list_disputes, DisputeOut.of, state=only)


routes = [list_all_incidents, close, resend, list_all_disputes]
