"""A seller offers plans to all partners in a tier at once, takes that back, and decides on what is below its floors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.input_text import paragraphs
from marketplace.relations.partner_models import PartnerTier
from orders.offers.addressee import count_private
from orders.offers.decide_offer import MAX_TEXT, others_decide
from orders.offers.deliver_tier_offer import deliver, withdraw_open
from orders.offers.events import TierOfferApprovalAsked, TierOfferApproved, TierOfferRejected
from orders.offers.floors import APPROVE
from orders.offers.make_offer import MakeOffer, describe, require_lines
from orders.offers.models import DECISIONS, Offer
from orders.offers.tier_offer_models import TIER_OFFER, TierOffer

MANAGE = "leads.manage"


def make_tier_offer(uow: UnitOfWork, tier_id: UUID, command: MakeOffer) -> TierOffer:
    """Offer what `command` says, which names nobody, to every partner in the tier. The same again changes nothing.

    Each partner in it now gets an offer of its own at once, and each that joins until the last day then; each may accept once.
    Below a floor it waits for approval, and nobody gets anything.

    Raises: Forbidden `permission_missing` without leads.manage; NotFound `partner_tier_not_found`; as `make_offer`, of what is
        offered; Invalid `offer_addressee`: somebody is named besides; TooMany `offers_too_often`.

    Emits: OfferMade for each partner, or TierOfferApprovalAsked. Locks: the tier, then its links. Idempotent by: the content.
    """
    uow.principal.require(MANAGE)
    require_lines(command)
    if (command.lead_id, command.buyer_org_id, command.supersedes_id) != (None, None, None):
        raise Invalid("offer_addressee", field="organization_id")
    seller_id = uow.principal.organization()
    tier = uow.session.get(PartnerTier, tier_id)
    if tier is None or tier.seller_org_id != seller_id:
        raise NotFound("partner_tier_not_found")
    lock_aggregate(uow, tier_id)
    what = describe(uow, command, seller_id)
    offer = TierOffer(
        id=uuid7(),
        seller_org_id=seller_id,
        tier_id=tier_id,
        lines=[line | {"plan_id": str(line["plan_id"])} for line in what.lines],
        below=what.below(uow, seller_id),
        decision=None,
        decision_text="",
        decided_by=None,
        decided_at=None,
        **what.words,
    )
    standing = select(TierOffer).where(
        TierOffer.seller_org_id == seller_id,
        TierOffer.tier_id == tier_id,
        state_in(TierOffer.state, "open", "awaiting_approval"),
    )
    for before in uow.session.scalars(standing.order_by(TierOffer.id)):
        if _says(before) == _says(offer):
            return before
    count_private(uow, seller_id)
    TIER_OFFER.begin(uow, offer, "awaiting_approval" if offer.below else "open", org_ids=offer.parties)
    uow.session.add(offer)
    uow.flush()
    if offer.below:
        emit(uow, TierOfferApprovalAsked(tier_offer_id=offer.id, seller_org_id=seller_id))
    else:
        deliver(uow, offer)
    return offer


def withdraw_tier_offer(uow: UnitOfWork, tier_offer_id: UUID) -> TierOffer:
    """Take it back from every partner that did not accept it; nobody who joins gets it any more. Done already, nothing changes.

    Raises: Forbidden `permission_missing` without leads.manage; NotFound `offer_not_found`; Conflict `offer_rejected`.
    Emits: OfferWithdrawn for each partner that had it open. Locks: the tier, it, then the partners' offers.
    """
    uow.principal.require(MANAGE)
    offer = _locked(uow, tier_offer_id)
    if offer.state == "rejected":
        raise Conflict("offer_rejected")
    if TIER_OFFER.move(uow, offer, "withdrawn", org_ids=offer.parties):
        uow.flush()
        withdraw_open(uow, Offer.seller_org_id == offer.seller_org_id, Offer.tier_offer_id == offer.id)
    return offer


@dataclass(frozen=True, slots=True)
class DecideTierOffer:
    """As `orders.offers.decide_offer.DecideOffer`, of an offer to a tier."""

    tier_offer_id: UUID
    decision: str
    text: str = ""


def decide_tier_offer(uow: UnitOfWork, command: DecideTierOffer) -> TierOffer:
    """Approve one that waits, so that the partners in the tier get it, or reject it for good. Decided so already,
    nothing changes.

    Raises:
        Forbidden: `permission_missing` without offers.approve; `person_required`; `own_offer`: another member can decide.
        NotFound: `offer_not_found`. Gone: `offer_expired`. Conflict: `offer_not_waiting`.
        Invalid: `decision_unknown`, `text_too_long`, `text_required` of a rejection without words.

    Emits: OfferMade for each partner and TierOfferApproved, or TierOfferRejected. Locks: the tier, it, then the links.
    """
    uow.principal.require(APPROVE)
    person_id = uow.principal.person()
    if command.decision not in DECISIONS:
        raise Invalid("decision_unknown", field="decision")
    text = paragraphs("text", command.text, MAX_TEXT)
    if command.decision == "rejected" and not text:
        raise Invalid("text_required", field="text")
    offer = _locked(uow, command.tier_offer_id)
    if offer.decision is not None and offer.decision == command.decision:
        return offer
    if offer.state != "awaiting_approval":
        raise Conflict("offer_not_waiting")
    if offer.made_by == person_id and others_decide(uow, person_id):
        raise Forbidden("own_offer")
    fact: dict[str, Any] = {"tier_offer_id": offer.id, "seller_org_id": offer.seller_org_id}
    approved = command.decision == "approved"
    if approved and offer.valid_until <= clock.now():
        raise Gone("offer_expired")
    TIER_OFFER.move(uow, offer, "open" if approved else "rejected", org_ids=offer.parties, reason=command.decision)
    offer.decision, offer.decision_text = command.decision, text
    offer.decided_by, offer.decided_at = person_id, clock.now()
    uow.flush()
    if approved:
        deliver(uow, offer)
    emit(uow, TierOfferApproved(**fact) if approved else TierOfferRejected(**fact))
    return offer


def _locked(uow: UnitOfWork, tier_offer_id: UUID) -> TierOffer:
    """One of the acting seller's, whose tier is held. Raises NotFound `offer_not_found`."""
    found = uow.session.get(TierOffer, tier_offer_id)
    if found is None or found.seller_org_id != uow.principal.organization():
        raise NotFound("offer_not_found")
    lock_aggregate(uow, found.tier_id)
    offer = lock_row(uow.session, TierOffer, tier_offer_id)
    assert offer is not None  # noqa: S101 - they stay
    return offer


def _says(offer: TierOffer) -> tuple[object, ...]:
    return (
        offer.lines,
        offer.currency.strip(),
        offer.valid_until,
        offer.terms,
        offer.takes_more,
        (offer.contract_terms, offer.contract_ends_at),
    )
