"""Facts of changes."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class SubscriptionAmended(Event):
    """A subscription was changed within its term."""

    topic: ClassVar[str] = "orders.subscription_amended.v1"
    subscription_id: UUID
    amendment_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
