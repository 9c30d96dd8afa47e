"""Facts about what is owed."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class DunningNoticeGiven(Event):
    """A buyer is told that a purchase on account will be due, or is overdue."""

    topic: ClassVar[str] = "billing.dunning_notice_given.v1"
    notice_id: UUID
    transfer_id: UUID
    payment_id: UUID
    reference: UUID
    payer_org_id: UUID
