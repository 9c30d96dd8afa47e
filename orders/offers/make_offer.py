"""A seller answers a request with prices of plans that it offers together, and takes the offer back."""

from __future__ import annotations

from collections.abc import Sequence
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
from orders.offers.models import OFFER, Offer, OfferLine

LONGEST = timedelta(days=365)
MAX_LINES = 20
"""As of a quote."""


@dataclass(frozen=True, slots=True)
class OfferedPlan:
    """One of the seller's plans, how many of it (seats, or 1), and at which price.

    Of `unit_price_minor` (for one unit and interval, in the plan's currency) and `discount_ppm` (of the plan's price) one.
    """

    plan_id: UUID
    quantity: int
    unit_price_minor: int | None = None
    discount_ppm: int | None = None


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """The plans that are offered together, and the last day on which they are."""

    lead_id: UUID
    plans: tuple[OfferedPlan, ...]
    valid_on: date


def make_offer(uow: UnitOfWork, command: MakeOffer) -> Offer:
    """Offer prices to whoever asked; an offer that is open on the request is superseded. The same again changes nothing.

    Raises, with the `line` that is meant where a line is:
        Forbidden: `permission_missing` without leads.manage, `person_required`.
        NotFound: `lead_not_found`, `plan_not_found`: of another organization. As `get_sellable`.
        Invalid: `quantity_out_of_range`, `offer_price` (one of the two, not above the plan's price), `price_out_of_range`,
            `offer_valid_on`, `too_many_lines`, `currencies_differ`, `offered_twice`.
        Conflict: `lead_closed`.

    Emits: OfferMade. Locks: the lead, its open offer. Idempotent by: the content.
    """
    if not 1 <= len(command.plans) <= MAX_LINES:
        raise Invalid("too_many_lines", field="plan_id", limit=MAX_LINES)
    lead = answer_lead(uow, command.lead_id)
    plans = [get_sellable(uow, one.plan_id) for one in command.plans]
    if any(plan.seller_org_id != lead.seller_org_id for plan in plans):
        raise NotFound("plan_not_found")
    _require_together(plans)
    prices = [_price(plan, one, line) for line, (plan, one) in enumerate(zip(plans, command.plans, strict=True), 1)]
    if sum(price * one.quantity for price, one in zip(prices, command.plans, strict=True)) > LARGEST_MINOR:
        raise Invalid("price_out_of_range", field="quantity", line=len(plans))
    offer = Offer(
        id=uuid7(),
        lead_id=lead.id,
        buyer_org_id=lead.buyer_org_id,
        seller_org_id=lead.seller_org_id,
        currency=plans[0].currency,
        valid_until=_until(uow, lead.seller_org_id, command.valid_on),
        made_by=uow.principal.person(),
        created_at=clock.now(),
    )
    lines = [
        OfferLine(
            offer_id=offer.id,
            number=number,
            lead_id=lead.id,
            buyer_org_id=lead.buyer_org_id,
            seller_org_id=lead.seller_org_id,
            plan_id=plan.plan_id,
            quantity=one.quantity,
            currency=plan.currency,
            unit_price_minor=price,
            list_price_minor=plan.unit_price_minor,
        )
        for number, (plan, one, price) in enumerate(zip(plans, command.plans, prices, strict=True), 1)
    ]
    before, before_lines = _find_open(uow, lead.id)
    if before is not None:
        if _says(before, before_lines) == _says(offer, lines):
            return before
        supersede(uow, before)
        offer.supersedes_id = before.id
    OFFER.begin(uow, offer, org_ids=offer.parties)
    uow.session.add(offer)
    uow.flush()
    uow.session.add_all(lines)
    uow.flush()
    emit(uow, OfferMade(**offer.fact))
    return offer


def lines_of(uow: UnitOfWork, offer_id: UUID) -> Sequence[OfferLine]:
    """What is offered, in the order in which it was written down."""
    return uow.session.scalars(select(OfferLine).where(OfferLine.offer_id == offer_id).order_by(OfferLine.number)).all()


def withdraw_offer(uow: UnitOfWork, offer_id: UUID) -> Offer:
    """Take an offer back that nobody accepted. Done already, nothing changes.

    Raises:
        Forbidden: `permission_missing` without leads.manage.
        NotFound: `offer_not_found`. Conflict: `offer_accepted`, `offer_declined`, `offer_superseded`.

    Emits: OfferWithdrawn. Locks: the offer.
    """
    uow.principal.require("leads.manage")
    offer = lock_row(uow.session, Offer, offer_id)
    if offer is None or offer.seller_org_id != uow.principal.organization():
        raise NotFound("offer_not_found")
    if offer.state in {"accepted", "declined", "superseded"}:
        raise Conflict(f"offer_{offer.state}")
    withdraw(uow, offer)
    return offer


def withdraw_offered(uow: UnitOfWork, lead_id: UUID) -> None:
    """Take back what is open on a request that was closed. Emits: OfferWithdrawn. Locks: the offer."""
    offer, _ = _find_open(uow, lead_id)
    if offer is not None:
        withdraw(uow, offer)


def withdraw(uow: UnitOfWork, offer: Offer) -> None:
    """Take a locked offer back, once. Emits: OfferWithdrawn."""
    if OFFER.move(uow, offer, "withdrawn", org_ids=offer.parties):
        emit(uow, OfferWithdrawn(**offer.fact))
        uow.flush()


def supersede(uow: UnitOfWork, offer: Offer) -> None:
    """A locked offer gives way to another on its request, of which its buyer is told: it can never be accepted again."""
    OFFER.move(uow, offer, "superseded", org_ids=offer.parties)
    uow.flush()


def _find_open(uow: UnitOfWork, lead_id: UUID) -> tuple[Offer | None, list[OfferLine]]:
    found = (
        select(Offer, OfferLine)
        .join(OfferLine, OfferLine.offer_id == Offer.id)
        .where(Offer.lead_id == lead_id, state_in(Offer.state, "open"))
        .order_by(OfferLine.number)
        .with_for_update(of=Offer)
    )
    rows = uow.session.execute(found).all()
    return (rows[0][0] if rows else None), [line for _, line in rows]


def _require_together(plans: Sequence[Sellable]) -> None:
    """One order, one payment: of one currency, and each plan once."""
    for line, plan in enumerate(plans, 1):
        if plan.currency != plans[0].currency:
            raise Invalid("currencies_differ", field="plan_id", line=line)
        if plan.plan_id in {one.plan_id for one in plans[: line - 1]}:
            raise Invalid("offered_twice", field="plan_id", line=line)


def _price(plan: Sellable, offered: OfferedPlan, line: int) -> int:
    """The one place where a discount is rounded."""
    most = MAX_SEATS if plan.sold_by_seat else 1
    if not 1 <= offered.quantity <= most:
        raise Invalid("quantity_out_of_range", field="quantity", line=line, least=1, most=most)
    price_minor, ppm = offered.unit_price_minor, offered.discount_ppm
    if (price_minor is None) == (ppm is None):
        raise Invalid("offer_price", field="unit_price", line=line)
    if ppm is not None:
        if not 0 <= ppm <= PPM:
            raise Invalid("offer_price", field="discount_ppm", line=line)
        price_minor = plan.unit_price_minor - apply_ppm(plan.unit_price_minor, ppm)
    assert price_minor is not None  # noqa: S101 - one of the two was given
    if not 0 <= price_minor <= plan.unit_price_minor:
        raise Invalid("offer_price", field="unit_price", line=line)
    at_unit_price(plan_price(plan), price_minor)
    return price_minor


def _until(uow: UnitOfWork, seller_id: UUID, valid_on: date) -> datetime:
    """The end of the day where the seller keeps its calendar."""
    time_zone = get_party(uow, seller_id).time_zone
    today = clock.today(time_zone)
    if not today <= valid_on <= today + LONGEST:
        raise Invalid("offer_valid_on", field="valid_on", days=LONGEST.days)
    return datetime.combine(valid_on + timedelta(days=1), datetime.min.time(), ZoneInfo(time_zone))


def _says(offer: Offer, lines: Sequence[OfferLine]) -> tuple[object, ...]:
    said = [(one.plan_id, one.quantity, one.unit_price_minor, one.list_price_minor) for one in lines]
    return said, offer.currency.strip(), offer.valid_until
