"""What somebody reports, and what the platform is to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marketplace.content_reports.queries import OpenReport


@dataclass(frozen=True, slots=True)
class ReportView:
    """Something about to be reported, as it stands; `typed` is what was refused, kept."""

    template: ClassVar[str] = "content_reports/report.html"
    active: ClassVar[str] = "feed"

    kind: str
    content_id: str
    subject_id: str
    author_name: str
    text: str
    most: int
    typed: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ReportsView:
    """What the platform is to look at, what waits longest first. What was refused is kept at the report that was decided."""

    template: ClassVar[str] = "content_reports/reports.html"
    active: ClassVar[str] = "operator_reports"

    rows: tuple[OpenReport, ...]
    kind: str
    kinds: tuple[str, ...]
    most: int
    decided_id: str = ""
    typed: str = ""
    error: str | None = None
