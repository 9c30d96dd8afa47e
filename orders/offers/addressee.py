"""Whom an offer is made to: whoever asked, or an organization that the seller names of its own accord."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.find_organizations import get_findable
from marketplace.leads.messages import lock_open_lead
from marketplace.leads.models import Lead
from orders.offers.models import Offer

PRIVATE = Limit(50, timedelta(days=1))
"""Of one seller: enough for its customers, too few to write to everybody."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """The two sides of an offer, and the request that it answers."""

    lead: Lead | None
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID


def find_addressee(
    uow: UnitOfWork, lead_id: UUID | None, buyer_org_id: UUID | None, supersedes_id: UUID | None
) -> Addressee:
    """Of a request whoever asked; of a private offer the named organization, or the one of the offer that it replaces.

    Raises:
        Forbidden: `permission_missing` without leads.manage.
        NotFound: `lead_not_found`, `offer_not_found`, `organization_not_found`: not one that may be found by its name.
        Invalid: `offer_addressee`: none of them, or several. Conflict: `lead_closed`.

    Locks: the lead, or the offer that is replaced, or what the seller offers of its own accord.
    """
    uow.principal.require("leads.manage")
    if [lead_id, buyer_org_id, supersedes_id].count(None) != 2:
        raise Invalid("offer_addressee", field="organization_id")
    seller_id = uow.principal.organization()
    if lead_id is not None:
        lead = lock_open_lead(uow, lead_id)
        return Addressee(lead, lead.buyer_org_id, lead.buyer_name, lead.seller_org_id)
    if supersedes_id is not None:
        offer = lock_row(uow.session, Offer, supersedes_id)
        if offer is None or offer.seller_org_id != seller_id or offer.lead_id is not None:
            raise NotFound("offer_not_found")
        return Addressee(None, offer.buyer_org_id, offer.buyer_name, seller_id)
    assert buyer_org_id is not None  # noqa: S101 - one of the three was given
    lock_aggregate(uow, seller_id)
    found = get_findable(uow, buyer_org_id)
    return Addressee(None, found.id, found.display_name, seller_id)


def count_private(uow: UnitOfWork, seller_id: UUID) -> None:
    """Raises TooMany(`offers_too_often`)."""
    with as_platform(uow):
        count_within(uow, PRIVATE, "offers_too_often", "private_offer", str(seller_id))


def require_replaceable(offer: Offer) -> None:
    """Raises Conflict(`offer_accepted`, `offer_withdrawn`, `offer_declined`, `offer_superseded`, `offer_rejected`,
    `offer_awaiting_approval`).
    """
    if offer.state != "open":
        raise Conflict(f"offer_{offer.state}")
