"""An offer below its seller's floor is approved, and sent to its buyer, or rejected."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select

from kernel import clock
from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.access.models import Member
from marketplace.access.permissions import roles_with
from marketplace.input_text import paragraphs
from marketplace.leads.messages import lock_lead, require_open
from marketplace.leads.models import Lead
from orders.offers.events import OfferApproved, OfferRejected
from orders.offers.floors import APPROVE
from orders.offers.models import DECISIONS, OFFER, Offer, OfferApproval
from orders.offers.send_offer import send_offer, supersede

MAX_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class DecideOffer:
    """Which offer, one of `DECISIONS`, and in words why; its maker reads them, its buyer does not."""

    offer_id: UUID
    decision: str
    text: str = ""


def decide_offer(uow: UnitOfWork, command: DecideOffer) -> Offer:
    """Approve an offer that waits, so that its buyer sees it and what it replaces is superseded; or reject it for good.

    Decided so already, nothing changes.

    Raises:
        Forbidden: `permission_missing` without offers.approve; `person_required`; `own_offer`: another member can decide.
        NotFound: `offer_not_found`.
        Invalid: `decision_unknown`, `text_too_long`, `text_required` of a rejection without words.
        Conflict: `offer_not_waiting`; `lead_closed`; `offer_before_accepted`: what it would replace was. Gone: `offer_expired`.

    Emits: OfferMade and OfferApproved, or OfferRejected. Locks: the lead, then the offer and what it replaces.
    """
    uow.principal.require(APPROVE)
    person_id = uow.principal.person()
    if command.decision not in DECISIONS:
        raise Invalid("decision_unknown", field="decision")
    text = paragraphs("text", command.text, MAX_TEXT)
    if command.decision == "rejected" and not text:
        raise Invalid("text_required", field="text")
    offer, replaced = _locked(uow, command.offer_id)
    approval = uow.session.get(OfferApproval, offer.id, populate_existing=True)
    if approval is not None and approval.decision == command.decision:
        return offer
    if approval is None or offer.state != "awaiting_approval":
        raise Conflict("offer_not_waiting")
    if offer.made_by == person_id and others_decide(uow, offer.made_by):
        raise Forbidden("own_offer")
    if command.decision == "approved":
        _send(uow, offer, replaced)
        emit(uow, OfferApproved(**offer.own_fact))
    else:
        OFFER.move(uow, offer, "rejected", org_ids=offer.parties)
        emit(uow, OfferRejected(**offer.own_fact))
    approval.decision, approval.decision_text = command.decision, text
    approval.decided_by, approval.decided_at = person_id, clock.now()
    uow.flush()
    return offer


def others_decide(uow: UnitOfWork, person_id: UUID) -> bool:
    """Whether the acting organization has another member who may approve offers."""
    another = exists().where(
        Member.org_id == uow.principal.organization(),
        Member.state == "active",
        Member.person_id != person_id,
        Member.roles.overlap(roles_with({APPROVE})),
    )
    return bool(uow.session.scalar(select(another)))


def _locked(uow: UnitOfWork, offer_id: UUID) -> tuple[Offer, list[Offer]]:
    """The offer, and those whose place it would take."""
    found = uow.session.get(Offer, offer_id)
    if found is None or found.seller_org_id != uow.principal.organization():
        raise NotFound("offer_not_found")
    ids = {found.id} | ({found.supersedes_id} if found.supersedes_id is not None else set())
    if found.lead_id is not None:
        lock_lead(uow, found.lead_id)
        standing = select(Offer.id).where(Offer.lead_id == found.lead_id, state_in(Offer.state, "open"))
        ids |= set(uow.session.scalars(standing))
    rows = lock_rows(uow.session, Offer, ids)
    return next(one for one in rows if one.id == offer_id), [one for one in rows if one.id != offer_id]


def _send(uow: UnitOfWork, offer: Offer, replaced: list[Offer]) -> None:
    if offer.lead_id is not None:
        require_open(uow.session.get_one(Lead, offer.lead_id))
    if offer.valid_until <= clock.now():
        raise Gone("offer_expired")
    for one in replaced:
        if one.state == "accepted":
            raise Conflict("offer_before_accepted")
        if one.state == "open":
            supersede(uow, one)
            offer.supersedes_id = one.id
    offer.shown_at = clock.now()
    OFFER.move(uow, offer, "open", org_ids=offer.parties, reason="approved")
    send_offer(uow, offer)
