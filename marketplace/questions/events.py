"""Facts about questions."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class QuestionAsked(Event):
    """Somebody of the organization asked about a product."""

    topic: ClassVar[str] = "marketplace.question_asked.v1"
    question_id: UUID
    org_id: UUID
    seller_org_id: UUID


class QuestionAnswered(Event):
    """The seller answered."""

    topic: ClassVar[str] = "marketplace.question_answered.v1"
    question_id: UUID
    org_id: UUID
    seller_org_id: UUID
