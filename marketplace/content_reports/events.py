"""Facts about reports."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class ContentReported(Event):
    """Somebody asks the platform to look at something."""

    topic: ClassVar[str] = "marketplace.content_reported.v1"
    report_id: UUID
    org_id: UUID


class ContentReportDecided(Event):
    """The platform removed what was reported, or left it."""

    topic: ClassVar[str] = "marketplace.content_report_decided.v1"
    report_id: UUID
    org_id: UUID


class ContentRemoved(Event):
    """The platform removed something of `org_id`'s; `report_id` is the first report of it."""

    topic: ClassVar[str] = "marketplace.content_removed.v1"
    report_id: UUID
    org_id: UUID
