"""What a shelf shows of each plan on it, and when that was explained."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.live.explain import ON_SALE
from marketplace.live.models import LiveExplanation, LiveItem, LiveSession
from marketplace.parties.models import Organization
from marketplace.placements.claim_checks import price_unit
from marketplace.pricing.shapes import is_by_seat


@dataclass(frozen=True, slots=True)
class LiveSpan:
    """From when to when an item was explained, in milliseconds since the session began; None: it is now."""

    from_ms: int
    to_ms: int | None


@dataclass(frozen=True, slots=True)
class LiveItemView:
    """A plan on the shelf. `on_sale`: whether it can be bought now; what cannot is not explained either."""

    id: UUID
    position: int
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    title: str
    title_en: str
    plan_id: UUID
    plan_code: str
    plan_name: str
    plan_name_en: str
    pricing: str
    price_unit: str
    currency: str
    unit_price_minor: int
    min_seats: int
    sold_by_seat: bool
    on_sale: bool
    spans: tuple[LiveSpan, ...]

    @property
    def explained_now(self) -> bool:
        """Whether it is the one that is explained."""
        return any(span.to_ms is None for span in self.spans)


def items_of(uow: UnitOfWork, session_id: UUID) -> tuple[LiveItemView, ...]:
    """The shelf of a session that the caller has found visible, in its order."""
    rows = uow.session.execute(
        select(LiveItem, Plan, Listing, ListingVersion, Organization, ON_SALE.label("on_sale"))
        .join(LiveSession, LiveSession.id == LiveItem.session_id)
        .join(Plan, Plan.id == LiveItem.plan_id)
        .join(Listing, Listing.id == LiveItem.listing_id)
        .join(ListingVersion, ListingVersion.id == Plan.version_id)
        .join(Organization, Organization.id == LiveItem.seller_org_id)
        .where(LiveItem.session_id == session_id, LiveItem.removed_at.is_(None))
        .order_by(LiveItem.position, LiveItem.id)
    ).all()
    spans: dict[UUID, list[LiveSpan]] = {}
    explained = select(LiveExplanation).where(LiveExplanation.session_id == session_id)
    for one in uow.session.scalars(explained.order_by(LiveExplanation.from_ms, LiveExplanation.id)):
        spans.setdefault(one.item_id, []).append(LiveSpan(one.from_ms, one.to_ms))
    return tuple(
        LiveItemView(
            id=item.id,
            position=item.position,
            seller_org_id=item.seller_org_id,
            seller_name=seller.display_name,
            listing_id=item.listing_id,
            title=version.title,
            title_en=version.title_en,
            plan_id=plan.id,
            plan_code=plan.code,
            plan_name=plan.name,
            plan_name_en=plan.name_en,
            pricing=plan.pricing,
            price_unit=price_unit(plan.pricing, plan.interval),
            currency=plan.currency.strip(),
            unit_price_minor=plan.unit_price_minor,
            min_seats=plan.min_seats,
            sold_by_seat=is_by_seat(plan.pricing, plan.price),
            on_sale=bool(on_sale),
            spans=tuple(spans.get(item.id, ())),
        )
        for item, plan, listing, version, seller, on_sale in rows
    )
