"""Facts about partners of sellers."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from kernel.events import Event


class PartnerAsked(Event):
    """A seller asked an organization to be its partner, or an organization asked a seller."""

    topic: ClassVar[str] = "marketplace.partner_asked.v1"
    link_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    by_seller: bool


class PartnerAccepted(Event):
    """The other side agreed: the prices of the tier hold from now on. Of a move to another tier, too."""

    topic: ClassVar[str] = "marketplace.partner_accepted.v1"
    link_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    by_seller: bool


class PartnerDeclined(Event):
    """The other side said no."""

    topic: ClassVar[str] = "marketplace.partner_declined.v1"
    link_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    by_seller: bool


class PartnerEnded(Event):
    """One side ended it: the prices of the tier hold no more."""

    topic: ClassVar[str] = "marketplace.partner_ended.v1"
    link_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    by_seller: bool


class PartnerTerritorySet(Event):
    """The seller said anew for which customers its partner may order: in some regions, or everywhere."""

    topic: ClassVar[str] = "marketplace.partner_territory_set.v1"
    link_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID


class DealerInvited(Event):
    """A seller's list of dealers names an organization that is here already: one that was seen to have the tax identifier."""

    topic: ClassVar[str] = "marketplace.dealer_invited.v1"
    invitation_id: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
