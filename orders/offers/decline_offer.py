"""A buyer says no to an offer; its request goes on."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jobs.outbox import emit
from marketplace.input_text import paragraphs
from marketplace.leads.messages import reopen_lead
from orders.offers.accept_offer import BUY
from orders.offers.events import OfferDeclined
from orders.offers.models import DECLINE_REASONS, OFFER, Offer

MAX_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class DeclineOffer:
    """Which offer, and why: one of `DECLINE_REASONS`, words of one's own, both, or neither. The seller reads them."""

    offer_id: UUID
    reason: str | None = None
    text: str = ""


def decline_offer(uow: UnitOfWork, command: DeclineOffer) -> Offer:
    """Decline an offer made to the acting person's organization, past its last day too. Done already, nothing changes.

    Raises:
        Forbidden: `person_required`, `permission_missing` without orders.buy.
        NotFound: `offer_not_found`, for its seller, and while it waits for approval.
        Invalid: `decline_reason_unknown`, `text_too_long`. Conflict: `offer_accepted`, `offer_withdrawn`,
            `offer_superseded`.

    Emits: OfferDeclined. Locks: the lead, then the offer.
    """
    uow.principal.person()
    uow.principal.require(BUY)
    if command.reason is not None and command.reason not in DECLINE_REASONS:
        raise Invalid("decline_reason_unknown", field="reason")
    text = paragraphs("text", command.text, MAX_TEXT)
    found = uow.session.get(Offer, command.offer_id)
    if found is None or not found.is_shown_to(uow.principal.organization()):
        raise NotFound("offer_not_found")
    if found.lead_id is not None:
        reopen_lead(uow, found.lead_id)
    offer = lock_row(uow.session, Offer, found.id)
    assert offer is not None  # noqa: S101 - offers stay
    if offer.state == "declined":
        return offer
    if offer.state != "open":
        raise Conflict(f"offer_{offer.state}")
    OFFER.move(uow, offer, "declined", org_ids=offer.parties)
    offer.decline_reason, offer.decline_text = command.reason, text
    emit(uow, OfferDeclined(**offer.fact))
    uow.flush()
    return offer
