"""Facts of what was used and is to be paid."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class UsageCharged(Event):
    """A closed period of usage was asked money for, by an order of its own."""

    topic: ClassVar[str] = "orders.usage_charged.v1"
    order_id: UUID
    subscription_id: UUID
    period_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class InstalmentUnpaid(Event):
    """Money for an instalment did not come at the first try: what follows is as for usage."""

    topic: ClassVar[str] = "orders.instalment_unpaid.v1"
    order_id: UUID
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class UsageUnpaid(Event):
    """Money for usage did not come at the first try: it is asked for again, and what is in use is suspended after two weeks."""

    topic: ClassVar[str] = "orders.usage_unpaid.v1"
    order_id: UUID
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
