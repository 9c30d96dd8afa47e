"""What buyers are told of offers to them, and sellers of what became of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import ListingVersion, Plan
from marketplace.leads.models import Lead
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from marketplace.relations.partner_models import PartnerTier
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.offers.events import (
    OfferAccepted,
    OfferApprovalAsked,
    OfferApproved,
    OfferCountered,
    OfferDeclined,
    OfferMade,
    OfferRejected,
    OfferReopened,
    OfferWithdrawn,
    TierOfferApprovalAsked,
    TierOfferApproved,
    TierOfferRejected,
)
from orders.offers.floors import APPROVE
from orders.offers.models import Offer, OfferLine
from orders.offers.tier_offer_models import TierOffer


@notifies_of(OfferMade)
def offer_made(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who asked learns of the price."""
    return [_to_buyer("offer_made", about) for about in _offers(uow, events)]


@notifies_of(OfferWithdrawn)
def offer_withdrawn(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who asked learns that it holds no more."""
    return [_to_buyer("offer_withdrawn", about) for about in _offers(uow, events)]


@notifies_of(OfferAccepted)
def offer_accepted(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever takes care of the seller's leads learns that it was taken."""
    return [_to_seller("offer_accepted", about) for about in _offers(uow, events)]


@notifies_of(OfferDeclined)
def offer_declined(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The same people learn of a no; the reason stands in the request."""
    return [_to_seller("offer_declined", about) for about in _offers(uow, events)]


@notifies_of(OfferCountered)
def offer_countered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The same people learn of other figures that the buyer would take."""
    return [_to_seller("offer_countered", about) for about in _offers(uow, events)]


@notifies_of(OfferReopened)
def offer_reopened(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The same people learn that nothing came of it."""
    return [_to_seller("offer_reopened", about) for about in _offers(uow, events)]


@notifies_of(OfferApprovalAsked)
def offer_approval_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may approve offers learns that one waits; who made it knows."""
    return [
        replace(_to_seller("offer_approval_asked", about), permission=APPROVE, but_not=about[1].made_by)
        for about in _offers(uow, events)
    ]


@notifies_of(OfferApproved)
def offer_approved(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who made it learns that its buyer has it."""
    return [_to_maker("offer_approved", about) for about in _offers(uow, events)]


@notifies_of(OfferRejected)
def offer_rejected(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who made it learns that it was not sent; why stands on its page."""
    return [_to_maker("offer_rejected", about) for about in _offers(uow, events)]


@notifies_of(TierOfferApprovalAsked)
def tier_offer_approval_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """As of an offer to one buyer."""
    for said, offer in _tier_offers(uow, events, "offer_approval_asked"):
        yield replace(said, permission=APPROVE, but_not=offer.made_by)


@notifies_of(TierOfferApproved)
def tier_offer_approved(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """As of an offer to one buyer; each partner is told by its own."""
    for said, offer in _tier_offers(uow, events, "offer_approved"):
        yield replace(said, person_id=offer.made_by)


@notifies_of(TierOfferRejected)
def tier_offer_rejected(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """As of an offer to one buyer."""
    for said, offer in _tier_offers(uow, events, "offer_rejected"):
        yield replace(said, person_id=offer.made_by)


def _tier_offers(
    uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str
) -> Iterable[tuple[NewNotification, TierOffer]]:
    """The tier is named where a buyer would be; the plan by its first line."""
    rows = uow.session.execute(
        select(TierOffer, PartnerTier.name, ListingVersion)
        .join(PartnerTier, PartnerTier.id == TierOffer.tier_id)
        .join(Plan, Plan.id == TierOffer.lines[0]["plan_id"].astext.cast(Plan.id.type))
        .join(ListingVersion, ListingVersion.id == Plan.version_id)
        .where(TierOffer.id.in_([event.uuid("tier_offer_id") for event in events]))
    )
    found = {offer.id: (offer, tier, version) for offer, tier, version in rows}
    for event in events:
        offer, tier, version = found[event.uuid("tier_offer_id")]
        what = {"what": version.title or version.title_en, "what_en": version.title_en or version.title}
        params = {**what, "buyer": tier, "seller": ""}
        address = f"/seller/tier-offers/{offer.id}"
        yield NewNotification(event.id, event.at, kind, address, params, org_id=offer.seller_org_id), offer


OfferEvent = tuple[RecordedEvent, Offer, Lead | None, dict[str, str]]


def _to_buyer(kind: str, about: OfferEvent) -> NewNotification:
    """Whoever asked; of a private offer whoever may buy."""
    event, offer, lead, params = about
    if lead is None:
        address, org_id = f"/offers/{offer.id}", offer.buyer_org_id
        return NewNotification(event.id, event.at, kind, address, params, org_id=org_id, permission="orders.buy")
    address, org_id = f"/requests/{lead.id}", lead.buyer_org_id
    return NewNotification(event.id, event.at, kind, address, params, org_id=org_id, person_id=lead.asked_by)


def _to_seller(kind: str, about: OfferEvent) -> NewNotification:
    event, offer, lead, params = about
    address = f"/seller/offers/{offer.id}" if lead is None else f"/seller/leads/{lead.id}"
    org_id = offer.seller_org_id
    return NewNotification(event.id, event.at, kind, address, params, org_id=org_id, permission="leads.manage")


def _to_maker(kind: str, about: OfferEvent) -> NewNotification:
    return replace(_to_seller(kind, about), permission=None, person_id=about[1].made_by)


def _offers(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[OfferEvent]:
    rows = uow.session.execute(
        select(Offer, Lead, ListingVersion, Organization.display_name)
        .join(Lead, Lead.id == Offer.lead_id, isouter=True)
        .join(OfferLine, (OfferLine.offer_id == Offer.id) & (OfferLine.number == 1))
        .join(Plan, Plan.id == OfferLine.plan_id)
        .join(ListingVersion, ListingVersion.id == Plan.version_id)
        .join(Organization, Organization.id == Offer.seller_org_id)
        .where(Offer.id.in_([event.uuid("offer_id") for event in events]))
    )
    found = {offer.id: (offer, lead, version, seller) for offer, lead, version, seller in rows}
    for event in events:
        offer, lead, version, seller = found[event.uuid("offer_id")]
        what = {"what": version.title or version.title_en, "what_en": version.title_en or version.title}
        yield event, offer, lead, {**what, "buyer": offer.buyer_name, "seller": seller}
