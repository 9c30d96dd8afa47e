"""A seller answers a request with a price, and takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.tax.line_amounts import LARGEST_MINOR
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import PPM, apply_ppm
from kernel.states import state_in
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.sellable import Sellable, get_sellable
from marketplace.leads.messages import answer_lead
from marketplace.parties.lookups import get_party
from marketplace.pricing.shapes import MAX_SEATS, at_unit_price
from orders.offers.events import OfferMade, OfferWithdrawn
from orders.offers.models import OFFER, Offer

LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """One of the seller's plans, how many of it (seats, or 1), at which price, and the last day on which it holds.

    Of `unit_price_minor` (for one unit and interval, in the plan's currency) and `discount_ppm` (of the plan's price) one.
    """

    lead_id: UUID
    plan_id: UUID
    quantity: int
    valid_on: date
    unit_price_minor: int | None = None
    discount_ppm: int | None = None


def make_offer(uow: UnitOfWork, command: MakeOffer) -> Offer:
    """Offer a price to whoever asked; another offer that is open on the request gives way. The same again changes nothing.

    Raises:
        Forbidden: `permission_missing` without leads.manage, `person_required`.
        NotFound: `lead_not_found`, `plan_not_found`: of another organization. As `get_sellable`.
        Invalid: `quantity_out_of_range`, `offer_price` (one of the two, not above the plan's price), `price_out_of_range`,
            `offer_valid_on`.
        Conflict: `lead_closed`.

    Emits: OfferMade, OfferWithdrawn. Locks: the lead, its open offer. Idempotent by: the content.
    """
    lead = answer_lead(uow, command.lead_id)
    plan = get_sellable(uow, command.plan_id)
    if plan.seller_org_id != lead.seller_org_id:
        raise NotFound("plan_not_found")
    most = MAX_SEATS if plan.sold_by_seat else 1
    if not 1 <= command.quantity <= most:
        raise Invalid("quantity_out_of_range", field="quantity", least=1, most=most)
    unit_price_minor = _price(plan, command)
    at_unit_price(plan_price(plan), unit_price_minor)
    offer = Offer(
        id=uuid7(),
        lead_id=lead.id,
        buyer_org_id=lead.buyer_org_id,
        seller_org_id=lead.seller_org_id,
        plan_id=plan.plan_id,
        quantity=command.quantity,
        currency=plan.currency,
        unit_price_minor=unit_price_minor,
        list_price_minor=plan.unit_price_minor,
        valid_until=_until(uow, lead.seller_org_id, command.valid_on),
        made_by=uow.principal.person(),
        created_at=clock.now(),
    )
    before = _find_open(uow, lead.id)
    if before is not None:
        if _says(before) == _says(offer):
            return before
        withdraw(uow, before)
    OFFER.begin(uow, offer, org_ids=offer.parties)
    uow.session.add(offer)
    uow.flush()
    emit(uow, OfferMade(**offer.fact))
    return offer


def withdraw_offer(uow: UnitOfWork, offer_id: UUID) -> Offer:
    """Take an offer back that nobody accepted. Done already, nothing changes.

    Raises:
        Forbidden: `permission_missing` without leads.manage.
        NotFound: `offer_not_found`. Conflict: `offer_accepted`, `offer_declined`.

    Emits: OfferWithdrawn. Locks: the offer.
    """
    uow.principal.require("leads.manage")
    offer = lock_row(uow.session, Offer, offer_id)
    if offer is None or offer.seller_org_id != uow.principal.organization():
        raise NotFound("offer_not_found")
    if offer.state in {"accepted", "declined"}:
        raise Conflict(f"offer_{offer.state}")
    withdraw(uow, offer)
    return offer


def withdraw_offered(uow: UnitOfWork, lead_id: UUID) -> None:
    """Take back what is open on a request that was closed. Emits: OfferWithdrawn. Locks: the offer."""
    offer = _find_open(uow, lead_id)
    if offer is not None:
        withdraw(uow, offer)


def withdraw(uow: UnitOfWork, offer: Offer) -> None:
    """Take a locked offer back, once. Emits: OfferWithdrawn."""
    if OFFER.move(uow, offer, "withdrawn", org_ids=offer.parties):
        emit(uow, OfferWithdrawn(**offer.fact))
        uow.flush()


def _find_open(uow: UnitOfWork, lead_id: UUID) -> Offer | None:
    found = select(Offer).where(Offer.lead_id == lead_id, state_in(Offer.state, "open"))
    return uow.session.scalars(found.with_for_update()).one_or_none()


def _price(plan: Sellable, command: MakeOffer) -> int:
    """The one place where a discount is rounded."""
    price_minor, ppm = command.unit_price_minor, command.discount_ppm
    if (price_minor is None) == (ppm is None):
        raise Invalid("offer_price", field="unit_price")
    if ppm is not None:
        if not 0 <= ppm <= PPM:
            raise Invalid("offer_price", field="discount_ppm")
        price_minor = plan.unit_price_minor - apply_ppm(plan.unit_price_minor, ppm)
    assert price_minor is not None  # noqa: S101 - one of the two was given
    if not 0 <= price_minor <= plan.unit_price_minor:
        raise Invalid("offer_price", field="unit_price")
    if price_minor * command.quantity > LARGEST_MINOR:
        raise Invalid("price_out_of_range", field="quantity")
    return price_minor


def _until(uow: UnitOfWork, seller_id: UUID, valid_on: date) -> datetime:
    """The end of the day where the seller keeps its calendar."""
    time_zone = get_party(uow, seller_id).time_zone
    today = clock.today(time_zone)
    if not today <= valid_on <= today + LONGEST:
        raise Invalid("offer_valid_on", field="valid_on", days=LONGEST.days)
    return datetime.combine(valid_on + timedelta(days=1), datetime.min.time(), ZoneInfo(time_zone))


def _says(offer: Offer) -> tuple[object, ...]:
    return offer.plan_id, offer.quantity, offer.unit_price_minor, offer.list_price_minor, offer.valid_until
