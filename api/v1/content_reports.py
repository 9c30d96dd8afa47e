"""What readers ask the platform to look at, and what the platform decides."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, Wire
from marketplace.content_reports.decide_report import MAX_REASON as MAX_DECISION
from marketplace.content_reports.decide_report import DecideReport, decide_report
from marketplace.content_reports.models import ContentKind
from marketplace.content_reports.queries import OpenReport, list_open_reports
from marketplace.content_reports.report_content import MAX_REASON, ReportContent, report_content


class ContentReportIn(Wire):
    """What, and why the platform should look. An answer goes by the id of its question."""

    kind: ContentKind
    content_id: UUID
    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""


class ContentReportIdOut(Out):
    """The id of the report; the same one when it was reported before."""

    id: UUID


class ContentDecisionIn(Wire):
    """Whether it goes, else it stays; and why, which its author and whoever reported it are told."""

    remove: bool
    reason: Annotated[str, Field(min_length=1, max_length=MAX_DECISION)]


@post("/v1/content-reports", permission=SIGNED_IN, sync_to_thread=True, refuses=[404, 429], tags=["content"])
def create_content_report(data: JSONBody[ContentReportIn], request: ApiRequest) -> ContentReportIdOut:
    """Ask the platform to look at a comment, review, question, answer, video or product: ten in ten minutes at most."""
    command = ReportContent(data.kind, data.content_id, data.reason)
    return ContentReportIdOut(id=request.transact(lambda uow: report_content(uow, command).id))


@get("/v1/operator/content-reports", permission="operator.reviews", sync_to_thread=True, tags=["operator"])
def get_open_reports(
    request: ApiRequest,
    kind: Annotated[ContentKind | None, QueryParameter(required=False, description="Only this kind")] = None,
) -> list[OpenReport]:
    """What was reported and is not decided, what waits longest first."""
    with request.transaction() as uow:
        return list_open_reports(uow, kind=kind)


@post(
    "/v1/operator/content-reports/{report_id:uuid}",
    permission="operator.reviews",
    sync_to_thread=True,
    status_code=204,
    tags=["operator"],
)
def decide_content_report(report_id: FromPath[UUID], data: JSONBody[ContentDecisionIn], request: ApiRequest) -> None:
    """Remove what was reported, or leave it; all open reports of it are closed."""
    request.transact(lambda uow: decide_report(uow, DecideReport(report_id, data.remove, data.reason)))


routes = [create_content_report, get_open_reports, decide_content_report]
