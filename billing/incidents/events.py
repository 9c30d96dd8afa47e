"""Facts about incidents."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class IncidentOpened(Event):
    """A gateway did something to money after an end, or by itself; an operator has to look into it."""

    topic: ClassVar[str] = "billing.incident_opened.v1"
    incident_id: UUID
    kind: str
    amount_minor: int
    currency: str


class IncidentClosed(Event):
    """An operator has said what was done about an incident."""

    topic: ClassVar[str] = "billing.incident_closed.v1"
    incident_id: UUID
    kind: str
    about_id: UUID
