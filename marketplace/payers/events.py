"""Facts about who pays for whom. `by_payer`: which side did it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class PayerProposed(Event):
    """An organization offered to pay for another, or asked another to pay for it."""

    topic: ClassVar[str] = "marketplace.payer_proposed.v1"
    agreement_id: UUID
    org_id: UUID
    payer_org_id: UUID
    by_payer: bool


class PayerAccepted(Event):
    """The other side agreed: the payer may be charged for what is ordered from now on."""

    topic: ClassVar[str] = "marketplace.payer_accepted.v1"
    agreement_id: UUID
    org_id: UUID
    payer_org_id: UUID
    by_payer: bool


class PayerLimitsChanged(Event):
    """The payer set other limits."""

    topic: ClassVar[str] = "marketplace.payer_limits_changed.v1"
    agreement_id: UUID
    org_id: UUID
    payer_org_id: UUID
    by_payer: bool


class PayerEnded(Event):
    """One side ended it, or said no to it before it was accepted (`was_active`)."""

    topic: ClassVar[str] = "marketplace.payer_ended.v1"
    agreement_id: UUID
    org_id: UUID
    payer_org_id: UUID
    by_payer: bool
    was_active: bool
