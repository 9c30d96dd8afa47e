"""Facts about announcements."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class AnnouncementDelivered(Event):
    """An announcement of a seller's stands in its thread with an organization."""

    topic: ClassVar[str] = "orders.announcement_delivered.v1"
    announcement_delivery_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
