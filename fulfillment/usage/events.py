"""Facts of metered usage."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class UsageAlerted(Event):
    """So many percent of a dimension's included amount, or of the buyer's own cap (`of`), are used in this period."""

    topic: ClassVar[str] = "fulfillment.usage_alerted.v1"
    period_id: UUID
    entitlement_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    dimension: str
    percent: int
    of: str
    """`included`, `soft` or `hard`."""


class UsagePeriodClosed(Event):
    """A period was rated: what it costs is to be charged, in minor units."""

    topic: ClassVar[str] = "fulfillment.usage_period_closed.v1"
    period_id: UUID
    entitlement_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    amount_minor: int
    currency: str


class UsageChallenged(Event):
    """The buyer questions a rated line."""

    topic: ClassVar[str] = "fulfillment.usage_challenged.v1"
    challenge_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class UsageChallengeAnswered(Event):
    """The seller lets a questioned line stand, or takes some of it back: `outcome` is `confirmed` or `corrected`."""

    topic: ClassVar[str] = "fulfillment.usage_challenge_answered.v1"
    challenge_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    outcome: str
