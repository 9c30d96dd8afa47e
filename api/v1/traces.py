"""The trace of any id."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from api.paper_files import paper_files
from api.request import ApiRequest
from api.schema import Out
from kernel.principal import Principal
from orders.tracing.find import LONGEST, find_traceable
from orders.tracing.model import Gap, Trace
from orders.tracing.trace import trace


class NodeOut(Out):
    """One recorded fact and what it follows from."""

    kind: str
    id: UUID
    at: datetime | None
    state: str | None
    title: str
    title_en: str
    facts: dict[str, Any]
    files: Annotated[
        dict[str, str],
        Meta(
            description="Of a letter, request for payment, receipt or pro-forma invoice: paths of its PDFs by language"
        ),
    ]
    after: list[UUID]


class TraceOut(Out):
    """The chain around an id, from the second of a video to the cent of a payout, as this principal may see it."""

    asked_kind: str
    asked_id: UUID
    whole: bool
    nodes: list[NodeOut]
    gaps: list[Gap]

    @classmethod
    def of(cls, found: Trace, reader: Principal) -> TraceOut:
        """From the query's value, with the files that this reader may open."""
        return cls(
            asked_kind=found.asked_kind,
            asked_id=found.asked_id,
            whole=found.is_whole,
            nodes=[NodeOut.of_row(node, files=paper_files(reader, node)) for node in found.nodes],
            gaps=list(found.gaps),
        )


class TraceableOut(Out):
    """Something that a trace may begin at. `of` is whose number it is: an invoice's issuer, an order's seller."""

    kind: str
    id: UUID
    number: str
    of: str
    at: datetime


NumberParameter = Annotated[
    str,
    QueryParameter(
        name="q", min_length=1, max_length=LONGEST, description="Number printed on an order, invoice or statement"
    ),
]


@get("/v1/trace", permission="trace.read", sync_to_thread=True, tags=["trace"])
def find_by_number(request: ApiRequest, number: NumberParameter) -> list[TraceableOut]:
    """Everything with this number: numbers of invoices are unique within one issuer only. Trace one by its id."""
    with request.transaction() as uow:
        return [TraceableOut.of_row(found) for found in find_traceable(uow, number)]


@get("/v1/trace/{any_id:uuid}", permission="trace.read", sync_to_thread=True, tags=["trace"])
def get_trace(any_id: FromPath[UUID], request: ApiRequest) -> TraceOut:
    """From any id of a touchpoint, video, order, run, entitlement, invoice, statement or payout: the whole chain."""
    with request.transaction() as uow:
        return TraceOut.of(trace(uow, any_id), uow.principal)


routes = [find_by_number, get_trace]
