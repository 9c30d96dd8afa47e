"""Facts about halls."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class BoothInvited(Event):
    """An organizer asked an exhibitor into a hall."""

    topic: ClassVar[str] = "marketplace.hall_booth_invited.v1"
    booth_id: UUID
    org_id: UUID
    exhibitor_org_id: UUID


class BoothAnswered(Event):
    """The exhibitor took the booth, or declined."""

    topic: ClassVar[str] = "marketplace.hall_booth_answered.v1"
    booth_id: UUID
    org_id: UUID
    exhibitor_org_id: UUID
    accepted: bool


class BadgeAsked(Event):
    """An exhibitor read a visitor's badge and asks for the contact."""

    topic: ClassVar[str] = "marketplace.hall_badge_asked.v1"
    exchange_id: UUID
    exhibitor_org_id: UUID
    visitor_org_id: UUID


class BadgeRevoked(Event):
    """A visitor took a contact back that it had given to a booth."""

    topic: ClassVar[str] = "marketplace.hall_badge_revoked.v1"
    exchange_id: UUID
    exhibitor_org_id: UUID
    visitor_org_id: UUID
