"""Facts about promoters of a plan."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class PromoterMembershipAsked(Event):
    """A seller invited a promoter to a plan, or a promoter applied."""

    topic: ClassVar[str] = "billing.promoter_membership_asked.v1"
    membership_id: UUID
    plan_id: UUID
    seller_org_id: UUID
    promoter_org_id: UUID
    by_seller: bool


class PromoterMembershipAnswered(Event):
    """The other side said yes or no."""

    topic: ClassVar[str] = "billing.promoter_membership_answered.v1"
    membership_id: UUID
    plan_id: UUID
    seller_org_id: UUID
    promoter_org_id: UUID
    by_seller: bool
    accepted: bool
