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


class ChangeLapsed(Event):
    """A change that waited for its money cannot be made any more: nothing is taken for it, or (`paid`) its money goes back."""

    topic: ClassVar[str] = "orders.change_lapsed.v1"
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    paid: bool
