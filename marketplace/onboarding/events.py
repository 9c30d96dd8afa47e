"""Facts about a seller's start."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class SellerOnboarded(Event):
    """Every step of a seller's checklist is done; it may publish."""

    topic: ClassVar[str] = "marketplace.seller_onboarded.v1"
    org_id: UUID
