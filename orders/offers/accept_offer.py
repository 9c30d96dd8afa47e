"""A buyer takes an offer: it is found open, and accepted once, by the purchase that is placed at its price."""

from __future__ import annotations

from uuid import UUID

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, NotFound
from kernel.jobs.outbox import emit
from marketplace.leads.models import OPEN, Lead
from orders.offers.events import OfferAccepted
from orders.offers.models import OFFER, Offer

BUY = "orders.buy"
"""Whoever answers an offer has it."""


def accept_offer(uow: UnitOfWork, offer_id: UUID) -> Offer:
    """Accept it for the acting organization, whose purchase is placed in this transaction.

    Raises: as `require_open`.
    Emits: OfferAccepted. Locks: the offer.
    """
    offer = require_open(uow, lock_row(uow.session, Offer, offer_id))
    OFFER.move(uow, offer, "accepted", org_ids=offer.parties)
    emit(uow, OfferAccepted(**offer.fact))
    return offer


def get_open_offer(uow: UnitOfWork, offer_id: UUID) -> Offer:
    """An offer that the acting organization may accept. Raises: as `require_open`."""
    return require_open(uow, uow.session.get(Offer, offer_id))


def require_open(uow: UnitOfWork, offer: Offer | None) -> Offer:
    """Raises:
    NotFound: `offer_not_found`, for its seller, and while it waits for approval.
    Conflict: `offer_accepted`, `offer_withdrawn`, `offer_declined`,
        `offer_superseded`; `lead_closed`: it ends with its request. Gone: `offer_expired`.
    """
    if offer is None or not offer.is_shown_to(uow.principal.organization()):
        raise NotFound("offer_not_found")
    if offer.state != "open":
        raise Conflict(f"offer_{offer.state}")
    if offer.valid_until <= clock.now():
        raise Gone("offer_expired")
    lead = uow.session.get(Lead, offer.lead_id) if offer.lead_id is not None else None
    if lead is not None and lead.state not in OPEN:
        raise Conflict("lead_closed", state=lead.state)
    return offer
