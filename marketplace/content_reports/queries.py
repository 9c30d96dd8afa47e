"""Reads about reports: what the platform is to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from kernel.db.uow import UnitOfWork
from marketplace.content_reports.models import ContentReport


@dataclass(frozen=True, slots=True)
class OpenReport:
    """Something with open reports: how many, what they say, since when. `text` is what stood there at the first one.

    `id` is the first report, by which all are decided.
    """

    id: UUID
    kind: str
    content_id: UUID
    subject_id: UUID
    author_name: str
    text: str
    reports: int
    reasons: tuple[str, ...]
    reported_at: datetime


def list_open_reports(uow: UnitOfWork, *, kind: str | None = None, limit: int = 50) -> list[OpenReport]:
    """What the platform is to look at, what waits longest first."""
    since = func.min(ContentReport.created_at)
    ids = func.array_agg(aggregate_order_by(ContentReport.id, ContentReport.created_at, ContentReport.id))
    waiting = select(func.count().label("reports"), func.array_agg(ContentReport.reason).label("reasons"))
    waiting = waiting.add_columns(ids[1].label("first_id")).where(ContentReport.state == "open")
    if kind:
        waiting = waiting.where(ContentReport.kind == kind)
    grouped = waiting.group_by(ContentReport.kind, ContentReport.content_id).order_by(since).limit(limit).subquery()
    statement = (
        select(ContentReport, grouped.c.reports, grouped.c.reasons)
        .join(grouped, ContentReport.id == grouped.c.first_id)
        .order_by(ContentReport.created_at, ContentReport.id)
    )
    return [
        OpenReport(
            row.id,
            row.kind,
            row.content_id,
            row.subject_id,
            row.author_name,
            row.excerpt,
            number,
            tuple(sorted({one for one in reasons if one})),
            row.created_at,
        )
        for row, number, reasons in uow.session.execute(statement)
    ]
