"""What both sides read of the offers on a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.catalog.models import ListingVersion, Plan
from marketplace.parties.models import Organization
from marketplace.placements.claim_checks import price_unit
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import PriceLine, price_term
from marketplace.pricing.shapes import is_by_seat
from orders.offers.models import CounterOffer, Offer, OfferApproval, OfferLine
from orders.order.models import ENDED_UNPAID, Order


@dataclass(frozen=True, slots=True)
class OfferLineView:
    """A plan in an offer, at its price."""

    number: int
    listing_id: UUID
    plan_id: UUID
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    pricing: str
    price: dict[str, Any] | None
    interval: str
    term_months: int
    price_unit: str
    tax_included: bool
    untaxed_price: str
    quantity: int
    currency: str
    unit_price_minor: int
    list_price_minor: int
    """Of one unit and interval; of a line with an own price of components what the first term costs in all, in advance."""
    instalments: int
    """In how many a term is paid."""
    total_minor: int
    """Of the first term, in advance: with the tax where the price contains it."""
    own_price: PlanPrice | None = None
    """The seller's own figures where the plan's price is more than one."""

    @property
    def times(self) -> int:
        """How often its figure is paid in the first term."""
        return self.quantity if self.own_price is None else 1

    @property
    def price_lines(self) -> tuple[PriceLine, ...]:
        """How the first term's amount comes about, component by component; none where a unit price says it."""
        return price_term(self.own_price, self.quantity).lines if self.own_price is not None else ()

    @property
    def sold_by_seat(self) -> bool:
        """Whether a quantity of it is a number of seats."""
        return is_by_seat(self.pricing, self.price)


@dataclass(frozen=True, slots=True)
class CounterLineView:
    """What the buyer would take of a line: `number` is the line's."""

    number: int
    quantity: int
    currency: str
    unit_price_minor: int
    """For one unit and interval; of a price of components for the first term in all."""
    total_minor: int


@dataclass(frozen=True, slots=True)
class CounterOfferView:
    """What the buyer proposed in place of an offer."""

    id: UUID
    lines: tuple[CounterLineView, ...]
    text: str
    currency: str
    total_minor: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """Why an offer waits, or waited, for its seller's own approval; for its seller alone."""

    floors: Mapping[int, int]
    """Of each line below its floor the number, and the share of the list price, in ppm, below which approval was asked."""
    shares: Mapping[int, int]
    """Of each the least share that anything in it is paid for at; none of one that was offered before that was kept."""
    decision: str | None
    text: str
    decided_at: datetime | None

    @classmethod
    def of(
        cls, lines: Sequence[Mapping[str, int]], decision: str | None, text: str, decided_at: datetime | None
    ) -> ApprovalView:
        """`lines`: as `OfferApproval` keeps them."""
        floors = {one["number"]: one["floor_ppm"] for one in lines}
        shares = {one["number"]: one["least_ppm"] for one in lines if "least_ppm" in one}
        return cls(floors, shares, decision, text, decided_at)


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer with what is in it. `order_id`: that of the purchase that accepted it, for whoever may see the order."""

    id: UUID
    lead_id: UUID | None
    """None of a private one, made of the seller's own accord."""
    buyer_org_id: UUID
    buyer_name: str
    seller_org_id: UUID
    seller_name: str
    terms: str
    takes_more: bool
    """Whether the quantities are the least."""
    contract_terms: int | None
    """After how many paid terms what recurs ends for good; None: as its plan says."""
    contract_ends_at: datetime | None
    """Or when, after a first term that is as much shorter."""
    state: str
    is_expired: bool
    lines: tuple[OfferLineView, ...]
    currency: str
    total_minor: int
    """Of its lines."""
    valid_until: datetime
    created_at: datetime
    order_id: UUID | None
    order_number: str
    decline_reason: str | None
    decline_text: str
    supersedes_id: UUID | None
    is_drawn: bool
    """Whether its PDF can be downloaded."""
    counter_offers: tuple[CounterOfferView, ...]
    """What its buyer proposed instead, the oldest first."""
    is_shown: bool
    """Whether its buyer got it."""
    made_by: UUID
    approval: ApprovalView | None
    tier_offer_id: UUID | None = None
    """Of one that all partners in a tier got; for its seller alone."""

    @property
    def is_open(self) -> bool:
        """Whether it can be accepted now."""
        return self.state == "open" and not self.is_expired


def offers_of(uow: UnitOfWork, lead_id: UUID) -> Sequence[OfferView]:
    """The offers on a request that the caller has found to be the principal's, the newest first."""
    return _views(uow, Offer.lead_id == lead_id, _may_see(uow.principal.organization()))


def get_offer(uow: UnitOfWork, offer_id: UUID, *, sells: bool, countered: bool = True) -> OfferView:
    """An offer made by the acting organization, or else to it; `countered` reads what its buyer proposed instead, too.

    Raises NotFound(`offer_not_found`).
    """
    found = _views(uow, Offer.id == offer_id, *_side(uow, sells=sells), countered=countered)
    if not found:
        raise NotFound("offer_not_found")
    return found[0]


def offer_to_draw(uow: UnitOfWork, offer_id: UUID) -> OfferView:
    """An offer for the platform's own work, which draws it."""
    (found,) = _views(uow, Offer.id == offer_id, countered=False)
    return found


def list_offers(
    uow: UnitOfWork,
    *,
    sells: bool,
    cursor: str | None = None,
    limit: int = 20,
    state: str | None = None,
    tier_offer_id: UUID | None = None,
) -> Page[OfferView]:
    """Offers made by the acting organization, or else to it, the newest first; `tier_offer_id`: those of an offer to a tier.

    Raises: Forbidden(`permission_missing`) for a seller's member without leads.manage.
    """
    if sells:
        uow.principal.require("leads.manage")
    offers: Any = select(Offer.id, Offer.created_at)
    found: Select[Any] = offers.where(*_side(uow, sells=sells))
    if state is not None:
        found = found.where(Offer.state == state)
    if sells and tier_offer_id is not None:
        found = found.where(Offer.tier_offer_id == tier_offer_id)
    rows = uow.session.execute(newest_first(found, Offer.created_at, Offer.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    views = _views(uow, Offer.id.in_([row.id for row in page.items]), countered=False)
    return Page(views, page.next_cursor)


def _side(uow: UnitOfWork, *, sells: bool) -> tuple[ColumnElement[bool], ...]:
    own = uow.principal.organization()
    return (Offer.seller_org_id == own,) if sells else (Offer.buyer_org_id == own, Offer.shown_at.is_not(None))


def _may_see(org_id: UUID) -> ColumnElement[bool]:
    return or_(Offer.seller_org_id == org_id, Offer.shown_at.is_not(None))


def leads_with_offers(uow: UnitOfWork, lead_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Of these requests those on which an offer can be accepted now."""
    found = select(Offer.lead_id).where(
        Offer.lead_id.in_(lead_ids), state_in(Offer.state, "open"), Offer.valid_until > clock.now()
    )
    return frozenset(lead_id for lead_id in uow.session.scalars(found) if lead_id is not None)


def leads_last_declined(uow: UnitOfWork, lead_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Of these requests those whose latest offer was declined."""
    latest = (
        select(Offer.lead_id, Offer.state)
        .where(Offer.lead_id.in_(lead_ids), Offer.shown_at.is_not(None))
        .ext(distinct_on(Offer.lead_id))
        .order_by(Offer.lead_id, Offer.created_at.desc(), Offer.id.desc())
    )
    return frozenset(lead_id for lead_id, state in uow.session.execute(latest) if lead_id and state == "declined")


_OFFERS: Any = (
    select(Offer, OfferLine, Plan, ListingVersion, OfferApproval, Organization.display_name, Order)
    .join(Organization, Organization.id == Offer.seller_org_id)
    .join(OfferLine, OfferLine.offer_id == Offer.id)
    .join(Plan, Plan.id == OfferLine.plan_id)
    .join(ListingVersion, ListingVersion.id == Plan.version_id)
    .join(OfferApproval, OfferApproval.offer_id == Offer.id, isouter=True)
    .join(Order, (Order.offer_id == Offer.id) & Order.state.not_in(ENDED_UNPAID), isouter=True)
    .order_by(Offer.created_at.desc(), Offer.id.desc(), OfferLine.number)
)


def _views(uow: UnitOfWork, *which: ColumnElement[bool], countered: bool = True) -> list[OfferView]:
    rows = uow.session.execute(_OFFERS.where(*which)).all()
    offers = [list(lines) for _, lines in groupby(rows, key=lambda row: row[0].id)]
    counters = _counters(uow, offers) if countered else {}
    return [_view(uow, lines, counters.get(lines[0][0].id, ())) for lines in offers]


def _counters(uow: UnitOfWork, offers: Sequence[Sequence[Any]]) -> dict[UUID, tuple[CounterOfferView, ...]]:
    if not offers:
        return {}
    currency = {rows[0][0].id: rows[0][0].currency for rows in offers}
    of_components = {(line.offer_id, line.number) for rows in offers for _, line, *_ in rows if line.price is not None}
    rows = uow.session.scalars(
        select(CounterOffer)
        .where(CounterOffer.offer_id.in_(currency))
        .order_by(CounterOffer.created_at, CounterOffer.id)
    )
    found: dict[UUID, tuple[CounterOfferView, ...]] = {}
    for row in rows:
        of = currency[row.offer_id]
        lines = tuple(_countered(one, of, (row.offer_id, one["number"]) in of_components) for one in row.lines)
        total_minor = sum(one.total_minor for one in lines)
        said = CounterOfferView(row.id, lines, row.text, of, total_minor, row.created_at)
        found[row.offer_id] = (*found.get(row.offer_id, ()), said)
    return found


def _countered(said: Mapping[str, Any], currency: str, of_components: bool) -> CounterLineView:  # noqa: FBT001 - private
    quantity, figure = said["quantity"], said["unit_price_minor"]
    return CounterLineView(said["number"], quantity, currency, figure, figure * (1 if of_components else quantity))


def _view(uow: UnitOfWork, rows: Sequence[Any], counters: tuple[CounterOfferView, ...]) -> OfferView:
    offer, (approval, seller_name, order) = rows[0][0], rows[0][-3:]
    seen = order is not None and (order.buyer_org_id == uow.principal.org_id or order.paid_at is not None)
    lines = tuple(line_view(offer.currency, line, plan, version) for _, line, plan, version, *_ in rows)
    return OfferView(
        id=offer.id,
        lead_id=offer.lead_id,
        buyer_org_id=offer.buyer_org_id,
        buyer_name=offer.buyer_name,
        seller_org_id=offer.seller_org_id,
        seller_name=seller_name,
        terms=offer.terms,
        takes_more=offer.takes_more,
        contract_terms=offer.contract_terms,
        contract_ends_at=offer.contract_ends_at,
        state=offer.state,
        is_expired=offer.state in {"open", "awaiting_approval"} and offer.valid_until <= clock.now(),
        lines=lines,
        currency=offer.currency,
        total_minor=sum(one.total_minor for one in lines),
        valid_until=offer.valid_until,
        created_at=offer.created_at,
        order_id=order.id if seen else None,
        decline_reason=offer.decline_reason,
        decline_text=offer.decline_text,
        supersedes_id=offer.supersedes_id,
        is_drawn=bool(offer.files),
        counter_offers=counters,
        is_shown=offer.shown_at is not None,
        made_by=offer.made_by,
        approval=_approval(approval) if offer.seller_org_id == uow.principal.org_id else None,
        order_number=order.number if seen else "",
        tier_offer_id=offer.tier_offer_id if offer.seller_org_id == uow.principal.org_id else None,
    )


def _approval(row: OfferApproval | None) -> ApprovalView | None:
    if row is None:
        return None
    return ApprovalView.of(row.lines, row.decision, row.decision_text, row.decided_at)


def line_view(currency: str, line: OfferLine, plan: Plan, version: ListingVersion) -> OfferLineView:
    """A line of an offer with what its plan is called. Pure."""
    return OfferLineView(
        number=line.number,
        listing_id=plan.listing_id,
        plan_id=plan.id,
        title=version.title,
        title_en=version.title_en,
        plan_name=plan.name,
        plan_name_en=plan.name_en,
        pricing=plan.pricing,
        price=plan.price,
        interval=plan.interval,
        term_months=plan.term_months,
        price_unit=price_unit(plan.pricing, plan.interval),
        tax_included=plan.tax_included,
        untaxed_price=plan.untaxed_price,
        quantity=line.quantity,
        currency=currency,
        unit_price_minor=line.unit_price_minor,
        list_price_minor=line.list_price_minor,
        instalments=line.instalments or (line.price or plan.price or {}).get("instalments", 1),
        total_minor=line.total_minor,
        own_price=PlanPrice.model_validate(line.price) if line.price is not None else None,
    )
