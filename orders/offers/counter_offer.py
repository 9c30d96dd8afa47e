"""A buyer answers an offer with other figures; the seller's answer is another offer, which takes the place of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.tax.line_amounts import LARGEST_MINOR
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.input_text import paragraphs
from marketplace.leads.messages import reopen_lead
from marketplace.pricing.shapes import MAX_SEATS
from orders.offers.accept_offer import BUY, require_open
from orders.offers.events import OfferCountered
from orders.offers.models import CounterOffer, Offer
from orders.offers.queries import OfferLineView, get_offer

MAX_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class ProposedLine:
    """What the buyer would take of one line of the offer: how many, at which price for one unit and interval.

    Of a line with a price of components the price is for its first term in all.
    """

    number: int
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True)
class MakeCounterOffer:
    """The lines that shall be otherwise; what is not among them stays as offered. `text`: what the buyer says to it."""

    offer_id: UUID
    lines: tuple[ProposedLine, ...]
    text: str = ""


def make_counter_offer(uow: UnitOfWork, command: MakeCounterOffer) -> CounterOffer:
    """Propose other figures for an open offer made to the acting person's organization. The offer stays open until its seller
    answers; of several proposals the last counts. The same again changes nothing.

    Raises, with the `line` that is meant where a line is:
        Forbidden: `person_required`, `permission_missing` without orders.buy.
        Invalid: `counter_offer_line`: not in the offer, or twice; `quantity_out_of_range`, `counter_offer_price` (above the
            plan's own), `price_out_of_range`, `counter_offer_same`, `text_too_long`.
        As `require_open`.

    Emits: OfferCountered. Locks: the lead, then the offer. Idempotent by: the content.
    """
    uow.principal.person()
    uow.principal.require(BUY)
    text = paragraphs("text", command.text, MAX_TEXT)
    found = uow.session.get(Offer, command.offer_id)
    if found is None or not found.is_shown_to(uow.principal.organization()):
        raise NotFound("offer_not_found")
    if found.lead_id is not None:
        reopen_lead(uow, found.lead_id)
    offer = require_open(uow, lock_row(uow.session, Offer, found.id))
    lines = _proposed(get_offer(uow, offer.id, sells=False, countered=False).lines, command.lines)
    before = last_counter(uow, offer.id)
    if before is not None and (before.lines, before.text) == (lines, text):
        return before
    counter = CounterOffer(
        id=uuid7(),
        offer_id=offer.id,
        buyer_org_id=offer.buyer_org_id,
        seller_org_id=offer.seller_org_id,
        lines=lines,
        text=text,
        made_by=uow.principal.person(),
        created_at=clock.now(),
    )
    uow.session.add(counter)
    uow.flush()
    emit(uow, OfferCountered(**offer.fact))
    return counter


def last_counter(uow: UnitOfWork, offer_id: UUID) -> CounterOffer | None:
    """What its buyer proposes in place of an offer."""
    found = select(CounterOffer).where(CounterOffer.offer_id == offer_id)
    return uow.session.scalars(found.order_by(CounterOffer.created_at.desc(), CounterOffer.id.desc()).limit(1)).first()


def _proposed(offered: Sequence[OfferLineView], wanted: Sequence[ProposedLine]) -> list[dict[str, Any]]:
    """Every line of the offer with the figures that are wanted, or with its own."""
    by_number = {one.number: one for one in wanted}
    numbers = {line.number for line in offered}
    if len(by_number) != len(wanted) or not by_number.keys() <= numbers:
        raise Invalid("counter_offer_line", field="lines")
    found = [_line(line, by_number.get(line.number)) for line in offered]
    if found == [_line(line, None) for line in offered]:
        raise Invalid("counter_offer_same", field="lines")
    times = {line.number: line.own_price is None for line in offered}
    if sum(one["unit_price_minor"] * (one["quantity"] if times[one["number"]] else 1) for one in found) > LARGEST_MINOR:
        raise Invalid("price_out_of_range", field="quantity", line=found[-1]["number"])
    return found


def _line(offered: OfferLineView, wanted: ProposedLine | None) -> dict[str, Any]:
    quantity = offered.quantity if wanted is None else wanted.quantity
    price_minor = offered.unit_price_minor if wanted is None else wanted.unit_price_minor
    most = MAX_SEATS if offered.sold_by_seat else 1
    if not 1 <= quantity <= most:
        raise Invalid("quantity_out_of_range", field="quantity", line=offered.number, least=1, most=most)
    more = offered.own_price is not None and quantity > offered.quantity
    if not 0 <= price_minor <= (LARGEST_MINOR if more else offered.list_price_minor):
        raise Invalid("counter_offer_price", field="unit_price", line=offered.number)
    return {"number": offered.number, "quantity": quantity, "unit_price_minor": price_minor}
