"""Facts about settlement."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class StatementClosed(Event):
    """A party's period is closed and frozen."""

    topic: ClassVar[str] = "billing.statement_closed.v1"
    statement_id: UUID
    org_id: UUID
    net_minor: int
    currency: str
