"""A seller offers plans together at prices for one buyer, asked or of its own accord, and takes the offer back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from billing.tax.line_amounts import LARGEST_MINOR
from kernel import clock
from kernel.calendar import add_months
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.plan_terms import MAX_CONTRACT_TERMS
from marketplace.catalog.sellable import Sellable, get_sellable
from marketplace.input_text import paragraphs
from marketplace.leads.messages import answer_lead
from marketplace.leads.models import Lead
from marketplace.parties.lookups import get_party
from orders.offers.addressee import count_private, find_addressee, require_replaceable
from orders.offers.events import OfferApprovalAsked, OfferWithdrawn
from orders.offers.floors import below_floor
from orders.offers.models import OFFER, Offer, OfferApproval, OfferLine
from orders.offers.offered_price import Figures, OfferedPlan, figures_of
from orders.offers.send_offer import send_offer, supersede

LONGEST = timedelta(days=365)
MAX_LINES = 20
"""As of a quote."""
MAX_TERMS = 4_000


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """The plans that are offered together, and the last day on which they are.

    To whoever asked (`lead_id`), to an organization that the seller names (`buyer_org_id`), or in place of a private offer that
    is open (`supersedes_id`). `takes_more`: the quantities are the least.
    `contract_terms`: after how many paid terms what recurs ends for good; None: as its plan says.
    `contract_ends_on`: or its last day, where the seller keeps its calendar; the first term is then as much shorter.
    """

    lead_id: UUID | None
    plans: tuple[OfferedPlan, ...]
    valid_on: date
    buyer_org_id: UUID | None = None
    supersedes_id: UUID | None = None
    terms: str = ""
    takes_more: bool = False
    contract_terms: int | None = None
    contract_ends_on: date | None = None


def make_offer(uow: UnitOfWork, command: MakeOffer) -> Offer:
    """Offer prices; an offer that is open on the request, or that is named, is superseded. The same again changes nothing.

    Below a floor of the seller's it waits for approval: its buyer sees nothing of it, and what it is to replace stays open.

    Raises, with the `line` that is meant where a line is:
        Forbidden: `person_required`. NotFound: `plan_not_found`: of another organization. As `get_sellable`, `find_addressee`.
        Invalid: as `figures_of`; `price_out_of_range`, `offer_valid_on`, `too_many_lines`, `currencies_differ`,
            `offered_twice`, `text_too_long`, `contract_terms_invalid` (of what recurs),
            `contract_end_unfit` (a day after the offer, of what recurs without usage, or too many terms).
        Conflict: as `require_replaceable`. TooMany: `offers_too_often`, of private ones.

    Emits: OfferMade, or OfferApprovalAsked. Locks: as `find_addressee`, then the open offer. Idempotent by: the content.
    """
    require_lines(command)
    to = find_addressee(uow, command.lead_id, command.buyer_org_id, command.supersedes_id)
    what = describe(uow, command, to.seller_org_id)
    offer = Offer(
        id=uuid7(),
        lead_id=to.lead.id if to.lead is not None else None,
        buyer_org_id=to.buyer_org_id,
        seller_org_id=to.seller_org_id,
        buyer_name=to.buyer_name,
        **what.words,
    )
    lines = [
        OfferLine(offer_id=offer.id, buyer_org_id=offer.buyer_org_id, seller_org_id=offer.seller_org_id, **one)
        for one in what.lines
    ]
    below = what.below(uow, offer.seller_org_id)
    offer.shown_at = None if below else offer.created_at
    same = _give_way(uow, command, offer, lines)
    if same is None:
        _begin(uow, offer, lines, below)
    return same or offer


@dataclass(frozen=True, slots=True)
class Described:
    """What an offer says, whoever it is to. `words`, `lines`: by the columns' names."""

    plans: tuple[Sellable, ...]
    figures: tuple[Figures, ...]
    words: dict[str, Any]
    lines: tuple[dict[str, Any], ...]

    def below(self, uow: UnitOfWork, seller_org_id: UUID) -> list[dict[str, int]]:
        """The lines below the seller's floors, as an approval keeps them."""
        return below_floor(uow, seller_org_id, [plan.listing_id for plan in self.plans], self.figures)


def require_lines(command: MakeOffer) -> None:
    """Raises Invalid(`too_many_lines`)."""
    if not 1 <= len(command.plans) <= MAX_LINES:
        raise Invalid("too_many_lines", field="plan_id", limit=MAX_LINES)


def describe(uow: UnitOfWork, command: MakeOffer, seller_org_id: UUID) -> Described:
    """What the seller offers, checked. Raises: as `make_offer`, of the plans, prices, days and words."""
    plans = tuple(get_sellable(uow, one.plan_id) for one in command.plans)
    if any(plan.seller_org_id != seller_org_id for plan in plans):
        raise NotFound("plan_not_found")
    _require_together(plans)
    contract_ends_at = _contract_end(uow, command, plans)
    figures = tuple(
        figures_of(plan, one, line) for line, (plan, one) in enumerate(zip(plans, command.plans, strict=True), 1)
    )
    words = {
        "currency": plans[0].currency,
        "valid_until": _until(uow, seller_org_id, command.valid_on),
        "terms": paragraphs("terms", command.terms, MAX_TERMS),
        "takes_more": command.takes_more,
        "contract_terms": command.contract_terms,
        "contract_ends_at": contract_ends_at,
        "made_by": uow.principal.person(),
        "created_at": clock.now(),
    }
    lines = tuple(
        {
            "number": number,
            "plan_id": plan.plan_id,
            "quantity": one.quantity,
            "currency": plan.currency,
            "unit_price_minor": own.unit_price_minor,
            "list_price_minor": own.list_price_minor,
            "price": own.stored,
            "instalments": one.instalments,
        }
        for number, (plan, one, own) in enumerate(zip(plans, command.plans, figures, strict=True), 1)
    )
    totals = (
        own.unit_price_minor * (one.quantity if own.price is None else 1)
        for one, own in zip(command.plans, figures, strict=True)
    )
    if sum(totals) > LARGEST_MINOR:
        raise Invalid("price_out_of_range", field="quantity", line=len(plans))
    return Described(plans, figures, words, lines)


def _begin(uow: UnitOfWork, offer: Offer, lines: Sequence[OfferLine], below: list[dict[str, int]]) -> None:
    OFFER.begin(uow, offer, "awaiting_approval" if below else "open", org_ids=offer.parties)
    uow.session.add(offer)
    uow.flush()
    uow.session.add_all(lines)
    if below:
        uow.session.add(OfferApproval(offer_id=offer.id, seller_org_id=offer.seller_org_id, lines=below))
        uow.flush()
        emit(uow, OfferApprovalAsked(**offer.own_fact))
    else:
        uow.flush()
        send_offer(uow, offer)


def _give_way(uow: UnitOfWork, command: MakeOffer, offer: Offer, lines: Sequence[OfferLine]) -> Offer | None:
    """The offer that says the same already; else what this one replaces is superseded, of what its buyer sees only by what
    its buyer sees. Raises as `make_offer`.
    """
    standing = _standing(uow, command, offer)
    for before, before_lines in standing:
        if _says(before, before_lines) == _says(offer, lines):
            if offer.lead_id is not None and before.state == "open":
                answer_lead(uow, uow.session.get_one(Lead, offer.lead_id))
            return before
    replaced = _replaced(uow, command, offer, [before for before, _ in standing])
    for before in replaced:
        if before.state == "open":
            offer.supersedes_id = before.id
        if before.state == "awaiting_approval" or offer.shown_at is not None:
            supersede(uow, before)
    return None


def _replaced(uow: UnitOfWork, command: MakeOffer, offer: Offer, standing: Sequence[Offer]) -> list[Offer]:
    """What stands on its request; of private ones the one that it names, and what waits to replace that."""
    if offer.lead_id is not None:
        return list(standing)
    if command.supersedes_id is None:
        count_private(uow, offer.seller_org_id)
        return []
    named = uow.session.get_one(Offer, command.supersedes_id)
    require_replaceable(named)
    return [named, *(one for one in standing if one.supersedes_id == named.id)]


def _standing(uow: UnitOfWork, command: MakeOffer, offer: Offer) -> list[tuple[Offer, list[OfferLine]]]:
    """The open offers, and those that wait for approval, of which one may say the same."""
    if offer.lead_id is not None:
        which = [Offer.lead_id == offer.lead_id]
    else:
        sides = (Offer.buyer_org_id == offer.buyer_org_id, Offer.seller_org_id == offer.seller_org_id)
        which = [*sides, Offer.lead_id.is_(None)]
        if command.supersedes_id is not None:
            which.append(or_(Offer.id == command.supersedes_id, Offer.supersedes_id == command.supersedes_id))
    found = (
        select(Offer, OfferLine)
        .join(OfferLine, OfferLine.offer_id == Offer.id)
        .where(state_in(Offer.state, "open", "awaiting_approval"), *which)
        .order_by(Offer.id, OfferLine.number)
        .with_for_update(of=Offer)
    )
    rows = uow.session.execute(found).all()
    offers = [list(own) for _, own in groupby(rows, key=lambda row: row[0].id)]
    return [(own[0][0], [line for _, line in own]) for own in offers]


def lines_of(uow: UnitOfWork, offer_id: UUID) -> Sequence[OfferLine]:
    """What is offered, in the order in which it was written down."""
    return uow.session.scalars(select(OfferLine).where(OfferLine.offer_id == offer_id).order_by(OfferLine.number)).all()


def withdraw_offer(uow: UnitOfWork, offer_id: UUID) -> Offer:
    """Take an offer back that nobody accepted. Done already, nothing changes.

    Raises:
        Forbidden: `permission_missing` without leads.manage.
        NotFound: `offer_not_found`. Conflict: `offer_accepted`, `offer_declined`, `offer_superseded`, `offer_rejected`.

    Emits: OfferWithdrawn, where its buyer saw it. Locks: the offer.
    """
    uow.principal.require("leads.manage")
    offer = lock_row(uow.session, Offer, offer_id)
    if offer is None or offer.seller_org_id != uow.principal.organization():
        raise NotFound("offer_not_found")
    if offer.state in {"accepted", "declined", "superseded", "rejected"}:
        raise Conflict(f"offer_{offer.state}")
    withdraw(uow, offer)
    return offer


def withdraw_offered(uow: UnitOfWork, lead_id: UUID) -> None:
    """Take back what is open or waits for approval on a request that was closed. Emits: OfferWithdrawn. Locks: the offers."""
    standing = state_in(Offer.state, "open", "awaiting_approval")
    for offer in lock_rows(
        uow.session, Offer, uow.session.scalars(select(Offer.id).where(Offer.lead_id == lead_id, standing))
    ):
        if offer.state in {"open", "awaiting_approval"}:
            withdraw(uow, offer)


def withdraw(uow: UnitOfWork, offer: Offer) -> None:
    """Take a locked offer back, once. Emits: OfferWithdrawn, where its buyer saw it."""
    if OFFER.move(uow, offer, "withdrawn", org_ids=offer.parties):
        if offer.shown_at is not None:
            emit(uow, OfferWithdrawn(**offer.fact))
        uow.flush()


def _require_together(plans: Sequence[Sellable]) -> None:
    """One order, one payment: of one currency, and each plan once."""
    for line, plan in enumerate(plans, 1):
        if plan.currency != plans[0].currency:
            raise Invalid("currencies_differ", field="plan_id", line=line)
        if plan.plan_id in {one.plan_id for one in plans[: line - 1]}:
            raise Invalid("offered_twice", field="plan_id", line=line)


def _contract_end(uow: UnitOfWork, command: MakeOffer, plans: Sequence[Sellable]) -> datetime | None:
    """A contract is of what recurs. Where it ends on a day, that is after the offer, and after so many terms at the most."""
    terms, last_day = command.contract_terms, command.contract_ends_on
    if terms is not None and not (1 <= terms <= MAX_CONTRACT_TERMS and any(plan.term_months for plan in plans)):
        raise Invalid("contract_terms_invalid", field="contract_terms", limit=MAX_CONTRACT_TERMS)
    if last_day is None:
        return None
    recurring = [plan for plan in plans if plan.term_months]
    if terms is not None or not recurring or any(plan_price(plan).metered for plan in recurring):
        raise Invalid("contract_end_unfit", field="contract_ends_on", limit=MAX_CONTRACT_TERMS)
    time_zone = get_party(uow, plans[0].seller_org_id).time_zone
    months = MAX_CONTRACT_TERMS * min(plan.term_months for plan in recurring)
    ends_at = _end_of_day(last_day, time_zone)
    if last_day <= command.valid_on or ends_at > add_months(clock.now(), months, time_zone=time_zone):
        raise Invalid("contract_end_unfit", field="contract_ends_on", limit=MAX_CONTRACT_TERMS)
    return ends_at


def _end_of_day(day: date, time_zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(time_zone))


def _until(uow: UnitOfWork, seller_id: UUID, valid_on: date) -> datetime:
    """The end of the day where the seller keeps its calendar."""
    time_zone = get_party(uow, seller_id).time_zone
    today = clock.today(time_zone)
    if not today <= valid_on <= today + LONGEST:
        raise Invalid("offer_valid_on", field="valid_on", days=LONGEST.days)
    return _end_of_day(valid_on, time_zone)


def _says(offer: Offer, lines: Sequence[OfferLine]) -> tuple[object, ...]:
    said = [
        (one.plan_id, one.quantity, one.unit_price_minor, one.list_price_minor, one.price, one.instalments)
        for one in lines
    ]
    return (
        said,
        offer.currency.strip(),
        offer.valid_until,
        offer.terms,
        offer.takes_more,
        (offer.contract_terms, offer.contract_ends_at),
    )
