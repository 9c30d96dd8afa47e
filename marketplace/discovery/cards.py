"""Cards and claims of videos, as a player shows them: only what can be bought at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.access import SHOWN
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.catalog.plan_terms import terms_of
from marketplace.catalog.rate_listing import average_tenths
from marketplace.catalog.show_reliability import Reliability
from marketplace.parties.models import Organization
from marketplace.placements.claim_checks import ClaimValue, find_contradiction, price_unit
from marketplace.placements.models import Claim, Placement
from marketplace.pricing.shapes import is_by_seat
from marketplace.service_windows.response_time import ResponseTime


@dataclass(frozen=True, slots=True)
class Card:
    """A placement from `start_ms` up to `end_ms` of its video, with what it sells."""

    placement_id: UUID
    video_id: UUID
    start_ms: int
    end_ms: int
    action: str
    position: int
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    listing_kind: str
    title: str
    title_en: str
    plan_id: UUID
    plan_code: str
    plan_name: str
    plan_name_en: str
    pricing: str
    interval: str
    price_unit: str
    currency: str
    unit_price_minor: int
    tax_included: bool
    min_seats: int
    max_seats: int
    included_seats: int
    trial_days: int
    """0: none."""
    trial_needs_method: bool
    on_sale: bool
    sold_by_seat: bool = False
    """Whether a quantity of it is a number of seats."""
    rating_count: int = 0
    rating_tenths: int | None = None
    reliability: Reliability | None = None
    response_time: ResponseTime | None = None
    """How soon its seller answers."""


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A promise at a moment of the video. `kept`: the plan holds it; else `said` and `holds` name the difference."""

    id: UUID
    video_id: UUID
    placement_id: UUID
    kind: str
    at_ms: int
    value_int: int | None
    value_text: str | None
    currency: str | None
    unit: str | None
    text: str
    text_en: str
    kept: bool
    said: str | None
    holds: str | None


def cards_of(uow: UnitOfWork, video_ids: Sequence[UUID], *, only_on_sale: bool = True) -> dict[UUID, tuple[Card, ...]]:
    """The cards of videos the caller has found visible, by video, in the order in which they show.

    A suspended listing, a withdrawn plan, or what is for other partners of its seller is on no card; a video's owner may ask to
    see those too.
    """
    rows = uow.session.execute(
        select(Placement, Plan, Listing, ListingVersion, Organization, SHOWN)
        .join(Plan, Plan.id == Placement.plan_id)
        .join(Listing, Listing.id == Placement.listing_id)
        .join(ListingVersion, ListingVersion.id == Plan.version_id)
        .join(Organization, Organization.id == Placement.seller_org_id)
        .where(Placement.video_id.in_(video_ids), Placement.removed_at.is_(None))
        .order_by(Placement.start_ms, Placement.position, Placement.id)
    )
    found: dict[UUID, list[Card]] = {}
    for placement, plan, listing, version, seller, is_shown in rows:
        on_sale = (
            is_shown
            and listing.state == "published"
            and plan.state == "active"
            and listing.current_version_id == version.id
            and seller.state == "active"
        )
        if on_sale or not only_on_sale:
            card = _card(placement, plan, listing, version, seller, on_sale=on_sale)
            found.setdefault(placement.video_id, []).append(card)
    return {video_id: tuple(cards) for video_id, cards in found.items()}


def claims_of_videos(uow: UnitOfWork, video_ids: Sequence[UUID]) -> dict[UUID, tuple[ClaimView, ...]]:
    """The claims of videos the caller has found visible, by video, in the order in which they are said."""
    rows = uow.session.execute(
        select(Claim, Plan)
        .join(Placement, Placement.id == Claim.placement_id)
        .join(Plan, Plan.id == Placement.plan_id)
        .where(Claim.video_id.in_(video_ids), Claim.removed_at.is_(None))
        .order_by(Claim.at_ms, Claim.id)
    )
    found: dict[UUID, list[ClaimView]] = {}
    for claim, plan in rows:
        wrong = find_contradiction(ClaimValue.of(claim), terms_of(plan))
        found.setdefault(claim.video_id, []).append(
            ClaimView(
                claim.id,
                claim.video_id,
                claim.placement_id,
                claim.kind,
                claim.at_ms,
                claim.value_int,
                claim.value_text,
                claim.currency,
                claim.unit,
                claim.text,
                claim.text_en,
                wrong is None,
                wrong.said if wrong else None,
                wrong.holds if wrong else None,
            )
        )
    return {video_id: tuple(claims) for video_id, claims in found.items()}


def _card(
    placement: Placement,
    plan: Plan,
    listing: Listing,
    version: ListingVersion,
    seller: Organization,
    *,
    on_sale: bool,
) -> Card:
    return Card(
        placement_id=placement.id,
        video_id=placement.video_id,
        start_ms=placement.start_ms,
        end_ms=placement.end_ms,
        # What offers a trial that its plan has no more asks its seller.
        action="consult" if placement.action == "trial" and not plan.trial_days else placement.action,
        position=placement.position,
        seller_org_id=seller.id,
        seller_name=seller.display_name,
        listing_id=listing.id,
        listing_kind=listing.kind,
        title=version.title,
        title_en=version.title_en,
        plan_id=plan.id,
        plan_code=plan.code,
        plan_name=plan.name,
        plan_name_en=plan.name_en,
        pricing=plan.pricing,
        interval=plan.interval,
        price_unit=price_unit(plan.pricing, plan.interval),
        currency=plan.currency,
        unit_price_minor=plan.unit_price_minor,
        tax_included=plan.tax_included,
        min_seats=plan.min_seats,
        max_seats=plan.max_seats,
        included_seats=plan.included_seats,
        trial_days=plan.trial_days,
        trial_needs_method=plan.trial_needs_method,
        on_sale=on_sale,
        sold_by_seat=is_by_seat(plan.pricing, plan.price),
        rating_count=listing.rating_count,
        rating_tenths=average_tenths(listing.rating_count, listing.rating_sum),
        reliability=Reliability.of(listing.reliability),
        response_time=ResponseTime.of(seller.response_time),
    )
