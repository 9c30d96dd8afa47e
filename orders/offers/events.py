"""Facts about offers."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class OfferMade(Event):
    """A seller offered somebody a price, on a request or of its own accord."""

    topic: ClassVar[str] = "orders.offer_made.v1"
    offer_id: UUID
    lead_id: UUID | None
    buyer_org_id: UUID
    seller_org_id: UUID


class OfferWithdrawn(Event):
    """A seller took its offer back."""

    topic: ClassVar[str] = "orders.offer_withdrawn.v1"
    offer_id: UUID
    lead_id: UUID | None
    buyer_org_id: UUID
    seller_org_id: UUID


class OfferCountered(Event):
    """A buyer proposed other figures for an offer."""

    topic: ClassVar[str] = "orders.offer_countered.v1"
    offer_id: UUID
    lead_id: UUID | None
    buyer_org_id: UUID
    seller_org_id: UUID


class OfferDeclined(Event):
    """A buyer said no to an offer."""

    topic: ClassVar[str] = "orders.offer_declined.v1"
    offer_id: UUID
    lead_id: UUID | None
    buyer_org_id: UUID
    seller_org_id: UUID


class OfferReopened(Event):
    """The purchase by which an offer was accepted ended unpaid: it can be accepted again."""

    topic: ClassVar[str] = "orders.offer_reopened.v1"
    offer_id: UUID
    lead_id: UUID | None
    buyer_org_id: UUID
    seller_org_id: UUID


class OfferAccepted(Event):
    """A buyer placed a purchase at the offered price."""

    topic: ClassVar[str] = "orders.offer_accepted.v1"
    offer_id: UUID
    lead_id: UUID | None
    buyer_org_id: UUID
    seller_org_id: UUID


class OfferApprovalAsked(Event):
    """An offer is below its seller's floor: it waits for whoever may approve it."""

    topic: ClassVar[str] = "orders.offer_approval_asked.v1"
    offer_id: UUID
    seller_org_id: UUID


class OfferApproved(Event):
    """A colleague approved an offer below the floor; its buyer was sent it."""

    topic: ClassVar[str] = "orders.offer_approved.v1"
    offer_id: UUID
    seller_org_id: UUID


class OfferRejected(Event):
    """A colleague rejected an offer below the floor; its buyer never saw it."""

    topic: ClassVar[str] = "orders.offer_rejected.v1"
    offer_id: UUID
    seller_org_id: UUID


class TierOfferApprovalAsked(Event):
    """An offer to a tier is below its seller's floor: it waits for whoever may approve it."""

    topic: ClassVar[str] = "orders.tier_offer_approval_asked.v1"
    tier_offer_id: UUID
    seller_org_id: UUID


class TierOfferApproved(Event):
    """A colleague approved an offer to a tier; the partners in it were sent it."""

    topic: ClassVar[str] = "orders.tier_offer_approved.v1"
    tier_offer_id: UUID
    seller_org_id: UUID


class TierOfferRejected(Event):
    """A colleague rejected an offer to a tier; nobody ever saw it."""

    topic: ClassVar[str] = "orders.tier_offer_rejected.v1"
    tier_offer_id: UUID
    seller_org_id: UUID
