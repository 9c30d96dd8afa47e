"""Facts about group robots."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class RobotDisabled(Event):
    """Nothing more is posted by a robot: it took nothing for a day (`failures`), or its provider refused it (`refused`)."""

    topic: ClassVar[str] = "marketplace.robot_disabled.v1"
    robot_id: UUID
    org_id: UUID
    disabled_for: str
