"""Facts about money coming in."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class PaymentSucceeded(Event):
    """The gateway has the money."""

    topic: ClassVar[str] = "billing.payment_succeeded.v1"
    payment_id: UUID
    reference: UUID
    payer_org_id: UUID
    amount_minor: int
    currency: str


class PaymentMethodKept(Event):
    """The payer let the method that paid be kept: what follows is asked of it."""

    topic: ClassVar[str] = "billing.payment_method_kept.v1"
    payment_id: UUID
    reference: UUID
    payer_org_id: UUID
    gateway: str
    asked_by: str
    """The token by which it was asked for then: that of the gateway's own page."""
    method_token: str


class PaymentFailed(Event):
    """The gateway has definitely not got the money and will not."""

    topic: ClassVar[str] = "billing.payment_failed.v1"
    payment_id: UUID
    reference: UUID
    payer_org_id: UUID
    code: str


class PaymentNeedsAction(Event):
    """The payer has to authenticate before the money moves."""

    topic: ClassVar[str] = "billing.payment_needs_action.v1"
    payment_id: UUID
    reference: UUID
    payer_org_id: UUID


class PaymentReversed(Event):
    """The gateway had the money, and has it no more: it went back to the payer without us."""

    topic: ClassVar[str] = "billing.payment_reversed.v1"
    payment_id: UUID
    reference: UUID
    payer_org_id: UUID
    code: str
