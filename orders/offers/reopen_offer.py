"""A purchase that ends unpaid gives the offer back by which it was placed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, select

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.leads.models import OPEN, Lead
from orders.offers.deliver_tier_offer import find_standing
from orders.offers.events import OfferReopened
from orders.offers.make_offer import withdraw
from orders.offers.models import OFFER, Offer
from orders.offers.send_offer import supersede


def reopen_offer(uow: UnitOfWork, lead_id: UUID | None, offer_id: UUID) -> None:
    """It can be accepted again until its last day; one that another took the place of meanwhile is
    superseded, one whose request was closed withdrawn, and so is one to a tier that its buyer is not in any more.

    Emits: OfferReopened, or OfferWithdrawn. Locks: the lead, under which offers are made, or the offer to a tier and the link,
    then the offer.
    """
    known = uow.session.get(Offer, offer_id)
    link = find_standing(uow, known) if known is not None else None
    lead = lock_row(uow.session, Lead, lead_id) if lead_id is not None else None
    offer = lock_row(uow.session, Offer, offer_id)
    if offer is None or offer.state != "accepted":
        return
    if lead is not None and lead.state not in OPEN:
        withdraw(uow, offer)
        return
    if offer.tier_offer_id is not None:
        if link is None:
            withdraw(uow, offer)
            return
        offer.partner_link_id = link.id
    another = exists().where(Offer.lead_id == lead_id, state_in(Offer.state, "open"))
    if lead_id is not None and uow.session.scalar(select(another)):
        supersede(uow, offer)
        return
    OFFER.move(uow, offer, "open", org_ids=offer.parties, reason="purchase_ended_unpaid")
    emit(uow, OfferReopened(**offer.fact))
    uow.flush()
