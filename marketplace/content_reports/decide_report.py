"""The platform decides about what was reported: it goes, or stays. Everybody concerned is told why."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from marketplace.content_reports.events import ContentRemoved, ContentReportDecided
from marketplace.content_reports.kinds import get_kind
from marketplace.content_reports.models import CONTENT_REPORT, ContentReport
from marketplace.input_text import line

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class DecideReport:
    """About the content that a report names, and so about all open reports of it."""

    report_id: UUID
    remove: bool
    reason: str


def decide_report(uow: UnitOfWork, command: DecideReport) -> None:
    """Remove what was reported, or leave it, and close its open reports. The same decision again changes nothing.

    Only the platform asks for it.

    Raises:
        NotFound: `content_report_not_found`. Invalid: `text_required`, `text_too_long`.
        Conflict: `invalid_transition`: the other decision was made.

    Emits: ContentReportDecided for each report; ContentRemoved. Locks: the open reports, then the content.
    """
    reason = line("reason", command.reason, MAX_REASON)
    named = uow.session.get(ContentReport, command.report_id) if uow.principal.is_platform else None
    if named is None:
        raise NotFound("content_report_not_found")
    reports = uow.session.scalars(
        select(ContentReport)
        .where(
            ContentReport.kind == named.kind,
            ContentReport.content_id == named.content_id,
            (ContentReport.state == "open") | (ContentReport.id == named.id),
        )
        .order_by(ContentReport.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    state, now = "upheld" if command.remove else "dismissed", clock.now()
    changed = [one for one in reports if CONTENT_REPORT.move(uow, one, state, org_ids=[one.org_id], reason=reason)]
    if not changed:
        return
    for report in changed:
        report.decision_reason, report.decided_at = reason, now
        emit(uow, ContentReportDecided(report_id=report.id, org_id=report.org_id))
    if command.remove:
        get_kind(named.kind).remove(uow, named.content_id, reason)
        emit(uow, ContentRemoved(report_id=changed[0].id, org_id=named.author_org_id))
    action = "content.removed" if command.remove else "content.kept"
    audit.record(uow, action, subject_id=named.content_id, kind=named.kind)
    uow.flush()
