"""Facts about live sessions."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class LiveStartsSoon(Event):
    """A session begins within minutes."""

    topic: ClassVar[str] = "marketplace.live_starts_soon.v1"
    session_id: UUID
    org_id: UUID


class LiveStarted(Event):
    """A session began."""

    topic: ClassVar[str] = "marketplace.live_started.v1"
    session_id: UUID
    org_id: UUID


class LiveCancelled(Event):
    """A session will not take place."""

    topic: ClassVar[str] = "marketplace.live_cancelled.v1"
    session_id: UUID
    org_id: UUID


class LiveQuestionAnswered(Event):
    """A question of the room was answered: by text, or in the film."""

    topic: ClassVar[str] = "marketplace.live_question_answered.v1"
    question_id: UUID
    org_id: UUID
    host_org_id: UUID
