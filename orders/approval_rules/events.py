"""Facts about who decides in whose place."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class DeputyAppointed(Event):
    """A member lets a colleague decide in their place for some days."""

    topic: ClassVar[str] = "orders.deputy_appointed.v1"
    delegation_id: UUID
    org_id: UUID


class DeputyEnded(Event):
    """A delegation is over: by somebody's word, after its last day, or because one of the two left."""

    topic: ClassVar[str] = "orders.deputy_ended.v1"
    delegation_id: UUID
    org_id: UUID
