"""Facts about disputes."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class DisputeOpened(Event):
    """A bank has begun to decide about a payment."""

    topic: ClassVar[str] = "billing.dispute_opened.v1"
    dispute_id: UUID
    payment_id: UUID


class DisputeEnded(Event):
    """The bank has decided. Lost: the money stays with the payer."""

    topic: ClassVar[str] = "billing.dispute_ended.v1"
    dispute_id: UUID
    payment_id: UUID
    payer_org_id: UUID
    is_lost: bool


class DisputeEvidenceSent(Event):
    """The bank has what there is to say. It decides in its own time."""

    topic: ClassVar[str] = "billing.dispute_evidence_sent.v1"
    dispute_id: UUID
    payment_id: UUID
    payer_org_id: UUID
    submission_id: UUID
