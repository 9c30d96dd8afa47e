"""Somebody reports what does not belong here; the platform decides."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.content_reports.views import ReportsView, ReportView
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page
from kernel.errors import DomainError, NotFound
from marketplace.content_reports.decide_report import MAX_REASON as MAX_DECISION
from marketplace.content_reports.decide_report import DecideReport, decide_report
from marketplace.content_reports.models import KINDS
from marketplace.content_reports.queries import list_open_reports
from marketplace.content_reports.report_content import (
    MAX_EXCERPT,
    MAX_REASON,
    ReportContent,
    find_reportable,
    report_content,
)

Answer = Response[str] | Response[bytes]
REVIEW = "operator.reviews"


@page("/reports/{kind:str}/{content_id:uuid}", SIGNED_IN)
def show_report(kind: FromPath[str], content_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What is about to be reported, and the form that does it."""
    return _report(page_request, kind, content_id)


@form_post("/reports/{kind:str}/{content_id:uuid}", SIGNED_IN)
def report(
    kind: FromPath[str], content_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Ask the platform to look at it. Pressed twice, it is reported once."""
    typed = form.text("reason", most=1_000)
    try:
        made = page_request.transact(lambda uow: report_content(uow, ReportContent(kind, content_id, typed)))
    except NotFound:
        raise
    except DomainError as refused:
        return _report(page_request, kind, content_id, typed, refused)
    return page_request.redirect(addresses.content_place(made.kind, made.subject_id), notice="content_reported")


@page(addresses.OPERATOR_REPORTS, REVIEW)
def show_reports(page_request: Given[PageRequest]) -> Answer:
    """What the platform is to look at."""
    return _reports(page_request)


@form_post("/operator/reports/{report_id:uuid}", REVIEW)
def decide(report_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Remove it, or leave it, and say why."""
    remove, typed = form.text("action", most=10) == "remove", form.text("reason", most=2_000)
    try:
        page_request.transact(lambda uow: decide_report(uow, DecideReport(report_id, remove, typed)))
    except NotFound:
        raise
    except DomainError as refused:
        return _reports(page_request, str(report_id), typed, refused)
    notice = "content_removed" if remove else "content_kept"
    return page_request.redirect(addresses.OPERATOR_REPORTS, notice=notice)


def _report(
    page_request: PageRequest, kind: str, content_id: UUID, typed: str = "", refused: DomainError | None = None
) -> Response[str]:
    with page_request.work() as uow:
        found = find_reportable(uow, kind, content_id)
    error = failure(page_request, refused) if refused is not None else None
    view = ReportView(
        kind,
        str(content_id),
        str(found.subject_id),
        found.author_name,
        found.text[:MAX_EXCERPT],
        MAX_REASON,
        typed,
        error,
    )
    return page_request.render(view, status=refused.status if refused is not None else 200, headers=NOT_INDEXED)


def _reports(
    page_request: PageRequest, decided_id: str = "", typed: str = "", refused: DomainError | None = None
) -> Response[str]:
    asked = page_request.query("kind", most=20)
    kind = asked if asked in KINDS else ""
    with page_request.work() as uow:
        rows = tuple(list_open_reports(uow, kind=kind or None))
    error = failure(page_request, refused) if refused is not None else None
    view = ReportsView(rows, kind, KINDS, MAX_DECISION, decided_id, typed, error)
    return page_request.render(view, status=refused.status if refused is not None else 200)


routes = [show_report, report, show_reports, decide]
