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


class SellerOnboarded(Event):
    """Every step of a seller's checklist is done; it may publish."""

    topic: ClassVar[str] = "marketplace.seller_onboarded.v1"
    org_id: UUID
