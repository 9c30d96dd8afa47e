"""A reader asks the platform to look at something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import advisory_xact_lock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.rate_limit import Quota
from marketplace.content_reports.events import ContentReported
from marketplace.content_reports.kinds import ReportedContent, get_kind
from marketplace.content_reports.models import CONTENT_REPORT, ContentReport
from marketplace.input_text import optional_line

MAX_REASON = 200
MAX_EXCERPT = 500
MOST = 10
"""Reports of one person in `WITHIN`."""
WITHIN = timedelta(minutes=10)
_REPORTING_LOCK = 0x7265706F  # "repo"


@dataclass(frozen=True, slots=True)
class ReportContent:
    """What, and in the reader's words why; the words may be missing."""

    kind: str
    content_id: UUID
    reason: str = ""


def find_reportable(uow: UnitOfWork, kind: str, content_id: UUID) -> ReportedContent:
    """What a reader is about to report. Raises NotFound(`content_not_found`): nothing that they see."""
    try:
        return get_kind(kind).find(uow, content_id)
    except NotFound as error:
        raise NotFound("content_not_found") from error


def report_content(uow: UnitOfWork, command: ReportContent) -> ContentReport:
    """Ask the platform to look at something; what this person reported before is not reported twice.

    Raises:
        NotFound: `content_not_found`. Invalid: `text_too_long`. TooMany: `too_many_reports`.
        Forbidden: `person_required`, `organization_required`.

    Emits: ContentReported. Locks: the person's reporting. Idempotent by: organization, person and content.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    reason = optional_line("reason", command.reason, MAX_REASON)
    content = find_reportable(uow, command.kind, command.content_id)
    # One person at a time, so that a crowd of requests is counted one by one.
    advisory_xact_lock(uow.session, _REPORTING_LOCK, person_id)
    mine = (ContentReport.org_id == org_id, ContentReport.person_id == person_id)
    about = (ContentReport.kind == command.kind, ContentReport.content_id == command.content_id)
    before = uow.session.scalars(select(ContentReport).where(*mine, *about)).one_or_none()
    if before is not None:
        return before
    recent = select(func.count()).where(*mine, ContentReport.created_at > clock.now() - WITHIN)
    if (uow.session.scalar(recent) or 0) >= MOST:
        minutes = WITHIN // timedelta(minutes=1)
        quota = Quota("reports", MOST, minutes * 60)
        raise TooMany("too_many_reports", quota=quota, most=MOST, minutes=minutes, retry_after_s=quota.window_s)
    report = ContentReport(
        id=uuid7(),
        org_id=org_id,
        person_id=person_id,
        kind=command.kind,
        content_id=command.content_id,
        subject_id=content.subject_id,
        author_org_id=content.author_org_id,
        author_person_id=content.author_person_id,
        author_name=content.author_name,
        excerpt=content.text[:MAX_EXCERPT],
        reason=reason,
        created_at=clock.now(),
    )
    CONTENT_REPORT.begin(uow, report, org_ids=[org_id])
    uow.session.add(report)
    emit(uow, ContentReported(report_id=report.id, org_id=org_id))
    uow.flush()
    return report
