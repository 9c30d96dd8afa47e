"""Facts about credit lines."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class CreditLineDecided(Event):
    """The platform has granted, changed, declined or closed what a buyer may owe."""

    topic: ClassVar[str] = "billing.credit_line_decided.v1"
    line_id: UUID
    org_id: UUID
    outcome: str
    """granted, declined or closed."""
    asked_by: UUID | None
