"""An offer reaches its buyer, and gives way to another."""

from __future__ import annotations

from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from marketplace.leads.messages import answer_lead
from marketplace.leads.models import Lead
from orders.offers.draw_offer import draw_offer
from orders.offers.events import OfferMade
from orders.offers.models import OFFER, Offer


def send_offer(uow: UnitOfWork, offer: Offer) -> None:
    """Its buyer is told of an open offer, whose request is answered. Emits: OfferMade."""
    if offer.lead_id is not None:
        answer_lead(uow, uow.session.get_one(Lead, offer.lead_id))
    emit(uow, OfferMade(**offer.fact))
    draw_offer(uow, offer.id)


def supersede(uow: UnitOfWork, offer: Offer) -> None:
    """A locked offer gives way to another, of which its buyer is told: it can never be accepted again."""
    OFFER.move(uow, offer, "superseded", org_ids=offer.parties)
    uow.flush()
