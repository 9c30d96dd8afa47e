"""The price of an offer, for the invoice title that the buyer chooses: the quote by which it is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.catalog import sellable
from marketplace.leads.models import Lead
from marketplace.parties import lookups
from marketplace.placements.models import Placement
from marketplace.pricing.shapes import MAX_SEATS
from orders.checkout.create_quote import QUOTE_TTL, price_line, save_quote
from orders.checkout.first_term import until_contract_ends
from orders.checkout.group_tax import taxed_together
from orders.checkout.in_instalments import in_instalments
from orders.checkout.line_tax import discounted, invoice_party
from orders.checkout.priced_line import Context, InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.offers.accept_offer import get_open_offer
from orders.offers.make_offer import lines_of
from orders.offers.models import Offer, OfferLine
from orders.offers.offered_price import price_of_line


@dataclass(frozen=True, slots=True)
class QuoteOffer:
    """Which offer, and whom the invoice will name, which decides the tax; the default profile when None."""

    offer_id: UUID
    billing_profile_id: UUID | None = None
    quantities: tuple[tuple[int, int], ...] = ()
    """Lines by their number, and how many are taken of each where the offer leaves that open; else as many as offered."""
    coupon: str = ""
    """A code of the seller's that goes together with offers."""


def quote_offer(uow: UnitOfWork, command: QuoteOffer) -> Quote:
    """Price it whole for the acting organization: every amount is computed here from the offer's own prices.

    The quote binds for 30 minutes, never longer than the offer; a purchase placed from it accepts the offer.

    Raises: as `get_open_offer`, `discounted`; Invalid `offer_line`: not in the offer, or twice; `quantity_out_of_range` with
    the `line`; NotFound `billing_profile_not_found`; Conflict `plan_withdrawn`, `listing_suspended`.
    """
    offer = get_open_offer(uow, command.offer_id)
    buyer = invoice_party(lookups.get_invoiced(uow, command.billing_profile_id))
    context = _context(uow, offer)
    offered = lines_of(uow, offer.id)
    taken = _taken(offered, command.quantities)
    lines = [_line(uow, offer, one, taken, buyer, context) for one in offered]
    lines = [in_instalments(line) for line in discounted(uow, lines, command.coupon, buyer, of_offer=True)]
    lines = taxed_together(lines)
    expires_at = min(clock.now() + QUOTE_TTL, offer.valid_until)
    return save_quote(uow, lines, buyer, context, expires_at=expires_at, offer_id=offer.id)


def _taken(offered: Sequence[OfferLine], wanted: Sequence[tuple[int, int]]) -> dict[int, int]:
    taken = dict(wanted)
    if len(taken) != len(wanted) or not taken.keys() <= {line.number for line in offered}:
        raise Invalid("offer_line", field="quantities")
    return taken


def _line(
    uow: UnitOfWork, offer: Offer, line: OfferLine, taken: Mapping[int, int], buyer: InvoiceParty, context: Context
) -> PricedLine:
    """At the offer's price, and for as long as the offer says."""
    plan = sellable.get_sellable(uow, line.plan_id, replaced=True)
    quantity = _quantity(offer, line, taken)
    price = price_of_line(line, plan)
    priced = price_line(uow, plan, buyer, quantity, context, price=price)
    priced = priced.model_copy(update={"offered": True})
    if not plan.term_months:
        return priced
    if offer.contract_ends_at is not None:
        time_zone = lookups.get_party(uow, offer.buyer_org_id).time_zone
        return until_contract_ends(uow, priced, price, offer.contract_ends_at, buyer, time_zone=time_zone)
    return priced.model_copy(update={"contract_terms": offer.contract_terms or priced.contract_terms})


def _quantity(offer: Offer, line: OfferLine, wanted: Mapping[int, int]) -> int:
    """Never fewer than were offered, and more only of seats that the offer lets be taken."""
    quantity = wanted.get(line.number, line.quantity)
    most = MAX_SEATS if offer.takes_more else line.quantity
    if not line.quantity <= quantity <= most:
        raise Invalid("quantity_out_of_range", field="quantity", line=line.number, least=line.quantity, most=most)
    return quantity


def _context(uow: UnitOfWork, offer: Offer) -> Context:
    """The card that the buyer asked from has sold it."""
    if offer.lead_id is None:
        return Context()
    lead = uow.session.get_one(Lead, offer.lead_id)
    card = uow.session.get(Placement, lead.placement_id) if lead.placement_id is not None else None
    if card is None:
        return Context()
    return Context(video_id=card.video_id, placement_id=card.id, second_ms=lead.second_ms or card.start_ms)
