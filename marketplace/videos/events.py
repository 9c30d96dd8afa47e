"""Facts about videos."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class VideoUploaded(Event):
    """A file arrived whole; it is being examined."""

    topic: ClassVar[str] = "marketplace.video_uploaded.v1"
    video_id: UUID
    org_id: UUID
    size_bytes: int


class VideoReady(Event):
    """The file is a playable video; it may be published."""

    topic: ClassVar[str] = "marketplace.video_ready.v1"
    video_id: UUID
    org_id: UUID
    duration_ms: int


class VideoRefused(Event):
    """The file is no playable video; `code` says why."""

    topic: ClassVar[str] = "marketplace.video_refused.v1"
    video_id: UUID
    org_id: UUID
    code: str


class VideoPublished(Event):
    """The video shows in the feed of those who may see it."""

    topic: ClassVar[str] = "marketplace.video_published.v1"
    video_id: UUID
    org_id: UUID


class VideoNotPublished(Event):
    """The video was due, but something stood in the way: `code`."""

    topic: ClassVar[str] = "marketplace.video_not_published.v1"
    video_id: UUID
    org_id: UUID
    code: str


class VideoWithdrawn(Event):
    """The video shows no more. What it sold stays sold."""

    topic: ClassVar[str] = "marketplace.video_withdrawn.v1"
    video_id: UUID
    org_id: UUID
