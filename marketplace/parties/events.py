"""Facts about organizations."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class OrganizationRegistered(Event):
    """An organization joined; its first member is its owner."""

    topic: ClassVar[str] = "marketplace.organization_registered.v1"
    org_id: UUID
    owner_person_id: UUID
    is_seller: bool
