"""Facts of what is paid in instalments."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class InstalmentNoticed(Event):
    """An instalment is due in a week: whoever pays it is told."""

    topic: ClassVar[str] = "orders.instalment_noticed.v1"
    instalment_id: UUID
    subscription_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
