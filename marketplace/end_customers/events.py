"""Facts about the organizations for which dealers order. Each has both sides: what a link's dealer does alone is none."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class EndCustomerAsked(Event):
    """A dealer asked an organization whether it may order for it."""

    topic: ClassVar[str] = "marketplace.end_customer_asked.v1"
    end_customer_id: UUID
    dealer_org_id: UUID
    org_id: UUID


class EndCustomerConfirmed(Event):
    """The organization said yes: the dealer may order for it from now on."""

    topic: ClassVar[str] = "marketplace.end_customer_confirmed.v1"
    end_customer_id: UUID
    dealer_org_id: UUID
    org_id: UUID


class EndCustomerEnded(Event):
    """One side ended it, or the organization said no, or the dealer took it back (`was_active`: it had been confirmed)."""

    topic: ClassVar[str] = "marketplace.end_customer_ended.v1"
    end_customer_id: UUID
    dealer_org_id: UUID
    org_id: UUID
    by_dealer: bool
    was_active: bool
