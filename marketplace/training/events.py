"""Facts about training."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class TrainingAssigned(Event):
    """Members are to watch something."""

    topic: ClassVar[str] = "marketplace.training_assigned.v1"
    training_id: UUID
    org_id: UUID
    person_ids: list[UUID]


class TrainingNearDue(Event):
    """The last day of a training is near: who is not done is reminded."""

    topic: ClassVar[str] = "marketplace.training_near_due.v1"
    training_id: UUID
    org_id: UUID
    days: int
