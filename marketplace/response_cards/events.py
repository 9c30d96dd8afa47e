"""Facts about answers to cards."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class CardAnswered(Event):
    """Somebody answered a card: applied, registered, downloaded or began to learn."""

    topic: ClassVar[str] = "marketplace.card_answered.v1"
    response_id: UUID
    org_id: UUID
