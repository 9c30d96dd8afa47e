"""What the platform is told of reports, and whoever reported something, or wrote it, of what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.content_reports.events import ContentRemoved, ContentReportDecided, ContentReported
from marketplace.content_reports.models import ContentReport
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import PLATFORM_ORG_ID
from orders.notifications.notifiers import RecordedEvent, notifies_of

SHOWN_CHARACTERS = 120
RESPONSIBLE = {"video": "videos.write"}
"""Who is told of what is no one person's; of all else, whoever keeps the catalogue."""


_OWN_PAGES = {"video": "/seller/videos", "listing": "/seller/listings"}
"""Of what is a page by itself: removed, it has that of its own people alone."""


@notifies_of(ContentReported)
def content_reported(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever reviews for the platform is told what waits."""
    for event, report in _reports(uow, events):
        yield NewNotification(
            event.id,
            event.at,
            "content_reported",
            "/operator/reports",
            {"author": report.author_name, "text": report.excerpt[:SHOWN_CHARACTERS]},
            org_id=PLATFORM_ORG_ID,
            permission="operator.reviews",
        )


@notifies_of(ContentReportDecided)
def content_report_decided(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever reported it is told what became of it, and why."""
    for event, report in _reports(uow, events):
        gone = report.state == "upheld" and report.kind in _OWN_PAGES
        path = "/notifications" if gone else _place(report)
        kind = f"report_{report.state}"
        yield NewNotification(
            event.id, event.at, kind, path, _params(report), org_id=report.org_id, person_id=report.person_id
        )


@notifies_of(ContentRemoved)
def content_removed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Its author is told why, or those of the organization that answer for it."""
    for event, report in _reports(uow, events):
        own = _OWN_PAGES.get(report.kind)
        yield NewNotification(
            event.id,
            event.at,
            "content_removed",
            f"{own}/{report.subject_id}" if own else _place(report),
            _params(report),
            org_id=report.author_org_id,
            person_id=report.author_person_id,
            permission=None if report.author_person_id else RESPONSIBLE.get(report.kind, "catalog.write"),
        )


def _params(report: ContentReport) -> dict[str, str]:
    return {"text": report.excerpt[:SHOWN_CHARACTERS], "reason": report.decision_reason}


def _place(report: ContentReport) -> str:
    """Where it stands or stood."""
    if report.kind == "live_question":
        return f"/live/{report.subject_id}"
    if report.kind == "listing":
        return f"/products/{report.subject_id}"
    if report.kind == "circle_post":
        return f"/circles/{report.subject_id}"
    if report.kind in ("video", "comment"):
        return f"/v/{report.subject_id}" + ("/comments" if report.kind == "comment" else "")
    return f"/products/{report.subject_id}/" + ("reviews" if report.kind == "review" else "questions")


def _reports(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, ContentReport]]:
    wanted: list[UUID] = [event.uuid("report_id") for event in events]
    found = {row.id: row for row in uow.session.scalars(select(ContentReport).where(ContentReport.id.in_(wanted)))}
    return ((event, found[event.uuid("report_id")]) for event in events)
