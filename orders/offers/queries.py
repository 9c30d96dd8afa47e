"""What both sides read of the offers on a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.states import state_in
from marketplace.catalog.models import ListingVersion, Plan
from marketplace.placements.claim_checks import price_unit
from marketplace.pricing.shapes import is_by_seat
from orders.offers.models import Offer
from orders.order.models import ENDED_UNPAID, Order


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer with the plan it is of. `order_id`: that of the purchase that accepted it, for whoever may see the order."""

    id: UUID
    lead_id: UUID
    state: str
    is_expired: bool
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
    quantity: int
    currency: str
    unit_price_minor: int
    list_price_minor: int
    total_minor: int
    """Unit price times quantity: with the tax where the price contains it."""
    valid_until: datetime
    created_at: datetime
    order_id: UUID | None
    order_number: str
    decline_reason: str | None
    decline_text: str

    @property
    def sold_by_seat(self) -> bool:
        """Whether a quantity of it is a number of seats."""
        return is_by_seat(self.pricing, self.price)

    @property
    def is_open(self) -> bool:
        """Whether it can be accepted now."""
        return self.state == "open" and not self.is_expired


def offers_of(uow: UnitOfWork, lead_id: UUID) -> Sequence[OfferView]:
    """The offers on a request that the caller has found to be the principal's, the newest first."""
    return [_view(uow, row) for row in uow.session.execute(_OFFERS.where(Offer.lead_id == lead_id))]


def get_offer(uow: UnitOfWork, offer_id: UUID, *, sells: bool) -> OfferView:
    """An offer made by the acting organization, or else to it. Raises NotFound(`offer_not_found`)."""
    side = Offer.seller_org_id if sells else Offer.buyer_org_id
    row = uow.session.execute(_OFFERS.where(Offer.id == offer_id, side == uow.principal.organization())).one_or_none()
    if row is None:
        raise NotFound("offer_not_found")
    return _view(uow, row)


def leads_with_offers(uow: UnitOfWork, lead_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Of these requests those on which an offer can be accepted now."""
    found = select(Offer.lead_id).where(
        Offer.lead_id.in_(lead_ids), state_in(Offer.state, "open"), Offer.valid_until > clock.now()
    )
    return frozenset(uow.session.scalars(found))


def leads_last_declined(uow: UnitOfWork, lead_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Of these requests those whose latest offer was declined."""
    latest = (
        select(Offer.lead_id, Offer.state)
        .where(Offer.lead_id.in_(lead_ids))
        .ext(distinct_on(Offer.lead_id))
        .order_by(Offer.lead_id, Offer.created_at.desc(), Offer.id.desc())
    )
    return frozenset(lead_id for lead_id, state in uow.session.execute(latest) if state == "declined")


_OFFERS: Any = (
    select(Offer, Plan, ListingVersion, Order)
    .join(Plan, Plan.id == Offer.plan_id)
    .join(ListingVersion, ListingVersion.id == Plan.version_id)
    .join(Order, (Order.offer_id == Offer.id) & Order.state.not_in(ENDED_UNPAID), isouter=True)
    .order_by(Offer.created_at.desc(), Offer.id.desc())
)


def _view(uow: UnitOfWork, row: Any) -> OfferView:
    offer, plan, version, order = row
    seen = order is not None and (order.buyer_org_id == uow.principal.organization() or order.paid_at is not None)
    return OfferView(
        id=offer.id,
        lead_id=offer.lead_id,
        state=offer.state,
        is_expired=offer.state == "open" and offer.valid_until <= clock.now(),
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
        quantity=offer.quantity,
        currency=offer.currency,
        unit_price_minor=offer.unit_price_minor,
        list_price_minor=offer.list_price_minor,
        total_minor=offer.unit_price_minor * offer.quantity,
        valid_until=offer.valid_until,
        created_at=offer.created_at,
        order_id=order.id if seen else None,
        decline_reason=offer.decline_reason,
        decline_text=offer.decline_text,
        order_number=order.number if seen else "",
    )
