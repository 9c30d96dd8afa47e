"""Facts about circles."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class CircleJoinAsked(Event):
    """Somebody would like to join; `org_id` is the circle's."""

    topic: ClassVar[str] = "marketplace.circle_join_asked.v1"
    member_id: UUID
    org_id: UUID


class CircleJoinAnswered(Event):
    """A leader let them in, or not."""

    topic: ClassVar[str] = "marketplace.circle_join_answered.v1"
    member_id: UUID
    org_id: UUID
    accepted: bool


class CirclePostWaits(Event):
    """A member wrote something that a leader is to look at."""

    topic: ClassVar[str] = "marketplace.circle_post_waits.v1"
    post_id: UUID
    org_id: UUID


class CirclePostDecided(Event):
    """A leader showed or hid what a member wrote."""

    topic: ClassVar[str] = "marketplace.circle_post_decided.v1"
    post_id: UUID
    org_id: UUID
    shown: bool
