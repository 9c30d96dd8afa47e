"""Facts about money going back."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class RefundSucceeded(Event):
    """The gateway has given the money back; `credit_minor` of it is credit with the seller. `reference` is the order."""

    topic: ClassVar[str] = "billing.refund_succeeded.v1"
    refund_id: UUID
    reference: UUID
    payment_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    amount_minor: int
    currency: str
    credit_minor: int = 0


class RefundFailed(Event):
    """The gateway definitely refused; the reserve is free again and a person has to decide."""

    topic: ClassVar[str] = "billing.refund_failed.v1"
    refund_id: UUID
    reference: UUID
    payment_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    code: str


class RefundReturned(Event):
    """Money that had gone back did not stay there; the platform has it, and owes it to the buyer."""

    topic: ClassVar[str] = "billing.refund_returned.v1"
    refund_id: UUID
    reference: UUID
    payment_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    code: str
