"""Facts about charges."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class ChargeRecorded(Event):
    """A paid line has been split into shares. Names no amounts of the split: the buyer may see this fact."""

    topic: ClassVar[str] = "billing.charge_recorded.v1"
    charge_id: UUID
    reference: UUID
    group_reference: UUID
    payment_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    gross_minor: int
    currency: str
