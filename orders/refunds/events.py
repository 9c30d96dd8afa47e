"""Facts about money that a buyer asks back."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class RefundAsked(Event):
    """A buyer asks for money back that no window grants; its seller has to decide."""

    topic: ClassVar[str] = "orders.refund_asked.v1"
    refund_case_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class RefundRefused(Event):
    """The seller said no; the buyer may take it to the operator."""

    topic: ClassVar[str] = "orders.refund_refused.v1"
    refund_case_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class RefundEscalated(Event):
    """The operator has to decide: the buyer took it there, or the seller let its days pass."""

    topic: ClassVar[str] = "orders.refund_escalated.v1"
    refund_case_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    by_clock: bool


class RefundGranted(Event):
    """Money goes back, all that was asked for or a part of it."""

    topic: ClassVar[str] = "orders.refund_granted.v1"
    refund_case_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class RefundRejected(Event):
    """The operator said no, and that is the end of it."""

    topic: ClassVar[str] = "orders.refund_rejected.v1"
    refund_case_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class CreditOffered(Event):
    """The seller would give credit instead of money; the buyer has the word."""

    topic: ClassVar[str] = "orders.credit_offered.v1"
    refund_case_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class CreditDeclined(Event):
    """The buyer wants money, or let its days pass; the seller has to decide on that."""

    topic: ClassVar[str] = "orders.credit_declined.v1"
    refund_case_id: UUID
    order_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
