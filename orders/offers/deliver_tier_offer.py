"""What is offered to a tier reaches the partners in it: each gets an offer of its own, at once or when it joins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select

from kernel import clock
from kernel.db.locks import lock_aggregate, lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, follows
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.relations.events import PartnerAccepted
from marketplace.relations.partner_models import PartnerLink
from orders.offers.events import OfferWithdrawn
from orders.offers.models import OFFER, Offer, OfferLine
from orders.offers.send_offer import send_offer
from orders.offers.tier_offer_models import TierOffer


def deliver(uow: UnitOfWork, tier_offer: TierOffer, *which: ColumnElement[bool]) -> int:
    """An offer for each partner in the tier (`which`: of these alone) that has none of this one, or had one that was withdrawn.
    Written in one statement for all offers and one for all lines. Returns how many.

    Whoever calls it holds the tier (`lock_aggregate`): nobody who joins meanwhile is missed, or gets two.

    Emits: OfferMade of each. Locks: the links, shared: one that ends does so before, or finds the offer.
    """
    had = exists().where(
        Offer.tier_offer_id == tier_offer.id, Offer.buyer_org_id == PartnerLink.buyer_org_id, Offer.state != "withdrawn"
    )
    links = uow.session.scalars(
        select(PartnerLink)
        .where(
            PartnerLink.seller_org_id == tier_offer.seller_org_id,
            PartnerLink.tier_id == tier_offer.tier_id,
            PartnerLink.state == "accepted",
            ~had,
            *which,
        )
        .order_by(PartnerLink.id)
        .with_for_update(read=True)
    ).all()
    offers = [_offer(tier_offer, link) for link in links]
    for offer in offers:
        OFFER.begin(uow, offer, org_ids=offer.parties)
    uow.session.add_all(offers)
    uow.flush()
    sides = [
        {"offer_id": one.id, "buyer_org_id": one.buyer_org_id, "seller_org_id": one.seller_org_id} for one in offers
    ]
    uow.session.add_all(OfferLine(**own, **line) for own in sides for line in lines_of_tier(tier_offer))
    uow.flush()
    for offer in offers:
        send_offer(uow, offer)
    return len(offers)


def lines_of_tier(tier_offer: TierOffer) -> list[dict[str, Any]]:
    """What each partner's lines say, by the columns' names."""
    return [line | {"plan_id": UUID(line["plan_id"])} for line in tier_offer.lines]


def _offer(tier_offer: TierOffer, link: PartnerLink) -> Offer:
    now = clock.now()
    return Offer(
        id=uuid7(),
        lead_id=None,
        buyer_org_id=link.buyer_org_id,
        seller_org_id=tier_offer.seller_org_id,
        buyer_name=link.buyer_name,
        currency=tier_offer.currency,
        valid_until=tier_offer.valid_until,
        shown_at=now,
        terms=tier_offer.terms,
        takes_more=tier_offer.takes_more,
        contract_terms=tier_offer.contract_terms,
        contract_ends_at=tier_offer.contract_ends_at,
        made_by=tier_offer.made_by,
        created_at=now,
        tier_offer_id=tier_offer.id,
        partner_link_id=link.id,
    )


@follows(PartnerAccepted)
def offer_to_partner(uow: UnitOfWork, fact: Payload) -> None:
    """Whoever joins a tier, or is moved into it, gets what is offered to it and has not expired. Locks: the tier."""
    link = uow.session.get(PartnerLink, UUID(fact["link_id"]))
    if link is None or link.tier_id is None:
        return
    lock_aggregate(uow, link.tier_id)
    running = uow.session.scalars(
        select(TierOffer)
        .where(
            TierOffer.seller_org_id == link.seller_org_id,
            TierOffer.tier_id == link.tier_id,
            TierOffer.state == "open",
            TierOffer.valid_until > clock.now(),
        )
        .order_by(TierOffer.id)
    ).all()
    for tier_offer in running:
        deliver(uow, tier_offer, PartnerLink.id == link.id)


def withdraw_open(uow: UnitOfWork, *which: ColumnElement[bool]) -> int:
    """Take back the open ones of these offers, in one statement. Emits: OfferWithdrawn of each. Locks: the offers."""
    ids = uow.session.scalars(select(Offer.id).where(state_in(Offer.state, "open"), *which)).all()
    offers = [one for one in lock_rows(uow.session, Offer, ids) if one.state == "open"] if ids else []
    _withdraw(uow, offers)
    return len(offers)


def withdraw_with_link(uow: UnitOfWork, link: PartnerLink) -> int:
    """With a locked link what its partner was offered for it is over, unless it was accepted before. As `withdraw_open`."""
    return withdraw_open(
        uow,
        Offer.buyer_org_id == link.buyer_org_id,
        Offer.seller_org_id == link.seller_org_id,
        Offer.partner_link_id == link.id,
    )


def _withdraw(uow: UnitOfWork, offers: Sequence[Offer]) -> None:
    for offer in offers:
        OFFER.move(uow, offer, "withdrawn", org_ids=offer.parties)
        emit(uow, OfferWithdrawn(**offer.fact))
    uow.flush()


def find_standing(uow: UnitOfWork, offer: Offer) -> PartnerLink | None:
    """By which link an offer to a tier that was accepted, and is to be open again, would be; None: it is over.

    Locks: the offer to the tier, then the link, shared.
    """
    tier_offer = lock_row(uow.session, TierOffer, offer.tier_offer_id) if offer.tier_offer_id is not None else None
    if tier_offer is None or tier_offer.state != "open":
        return None
    return uow.session.scalars(
        select(PartnerLink)
        .where(
            PartnerLink.buyer_org_id == offer.buyer_org_id,
            PartnerLink.seller_org_id == offer.seller_org_id,
            PartnerLink.tier_id == tier_offer.tier_id,
            PartnerLink.state == "accepted",
        )
        .with_for_update(read=True)
    ).first()
