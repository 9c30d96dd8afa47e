"""What upper floors may ask of the catalogue: what is sold, by whom, on whose promises, and who had seen it.

Orders copies what it reads here into its own rows at the moment of the agreement; nothing financial is read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Uuid, bindparam, or_, select

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.attribution.attribute import PlacementFact, TouchpointFact
from marketplace.attribution.models import Touchpoint
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.parties.models import BillingProfile, Organization
from marketplace.placements.claim_checks import Said, find_contradiction, terms_of
from marketplace.placements.models import Claim, Placement
from marketplace.videos.access import MAY_SEE, seen_by, viewer
from marketplace.videos.models import Video
from marketplace.videos.share_links import find_share_link


@dataclass(frozen=True, slots=True)
class Sellable:
    """A plan as it can be bought now. `unit_price_minor` is for one unit (a seat, or the whole) for one interval."""

    plan_id: UUID
    plan_code: str
    plan_name: str
    plan_name_en: str
    seller_org_id: UUID
    listing_id: UUID
    listing_version_id: UUID
    kind: str
    title: str
    title_en: str
    tax_category: str
    pricing: str
    interval: str
    term_months: int
    currency: str
    unit_price_minor: int
    tax_included: bool
    min_seats: int
    max_seats: int
    features: tuple[dict[str, Any], ...]
    deadline_s: int
    connector_id: UUID | None
    refund_window_days: int


@dataclass(frozen=True, slots=True)
class Party:
    """An organization as a contract or an invoice names it."""

    org_id: UUID
    legal_name: str
    display_name: str
    country: str
    tax_id: str | None
    locale: str
    time_zone: str
    is_seller: bool
    is_platform: bool


@dataclass(frozen=True, slots=True)
class InvoiceTitle:
    """A billing profile (发票抬头)."""

    id: UUID
    org_id: UUID
    legal_name: str
    tax_id: str | None
    country: str
    address: str
    bank_name: str | None
    bank_account_masked: str | None
    email: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class ClaimFact:
    """A promise made in a video at a second, as it is frozen onto an order. `ok`: the plan keeps it."""

    kind: str
    at_ms: int
    value_int: int | None
    value_text: str | None
    currency: str | None
    unit: str | None
    text: str
    text_en: str
    ok: bool


_SELLABLE = Read(
    select(Plan, ListingVersion, Listing, Organization)
    .join(ListingVersion, ListingVersion.id == Plan.version_id)
    .join(Listing, Listing.id == Plan.listing_id)
    .join(Organization, Organization.id == Plan.org_id)
    .where(Plan.id == bindparam("plan_id"), Plan.published_at.is_not(None))
)


def get_sellable(uow: UnitOfWork, plan_id: UUID) -> Sellable:
    """The plan as it can be bought now.

    Raises:
        NotFound: `plan_not_found`: there is none, or it was never published.
        Conflict: `plan_withdrawn` when the plan or its version has been replaced or taken back;
            `listing_suspended` when the listing is not on sale.
    """
    row = uow.find(_SELLABLE, plan_id=plan_id)
    if row is None:
        raise NotFound("plan_not_found")
    plan, version, listing, seller = row
    if listing.state != "published" or seller.state != "active":
        raise Conflict("listing_suspended")
    if plan.state != "active" or listing.current_version_id != version.id:
        raise Conflict("plan_withdrawn")
    return Sellable(
        plan_id=plan.id,
        plan_code=plan.code,
        plan_name=plan.name,
        plan_name_en=plan.name_en,
        seller_org_id=plan.org_id,
        listing_id=listing.id,
        listing_version_id=version.id,
        kind=listing.kind,
        title=version.title,
        title_en=version.title_en,
        tax_category=version.tax_category,
        pricing=plan.pricing,
        interval=plan.interval,
        term_months=plan.term_months,
        currency=plan.currency,
        unit_price_minor=plan.unit_price_minor,
        tax_included=plan.tax_included,
        min_seats=plan.min_seats,
        max_seats=plan.max_seats,
        features=tuple(plan.features),
        deadline_s=plan.deadline_s,
        connector_id=plan.connector_id,
        refund_window_days=version.refund_window_days,
    )


_STILL_SOLD = Read(
    select(Plan.state, Plan.version_id, Listing.state, Listing.current_version_id, Organization.state)
    .join(Listing, Listing.id == Plan.listing_id)
    .join(Organization, Organization.id == Plan.org_id)
    .where(Plan.id == bindparam("plan_id"), Plan.published_at.is_not(None))
)


def require_still_sold(uow: UnitOfWork, plan_id: UUID) -> None:
    """Refuse what may not be sold any more since it was quoted. A newer version of the listing alone, with another price,
    does not undo a quote: its plans were replaced, not taken back.

    Raises:
        NotFound: `plan_not_found`.
        Conflict: `plan_withdrawn` when the seller took the plan back, `listing_suspended` when the listing is not on sale.
    """
    row = uow.find(_STILL_SOLD, plan_id=plan_id)
    if row is None:
        raise NotFound("plan_not_found")
    plan_state, version_id, listing_state, current_version_id, seller_state = row
    if listing_state != "published" or seller_state != "active":
        raise Conflict("listing_suspended")
    if plan_state != "active" and version_id == current_version_id:
        raise Conflict("plan_withdrawn")


_PARTY = Read(
    select(Organization).where(
        Organization.id == bindparam("org_id"),
        or_(
            bindparam("platform", type_=Boolean),
            Organization.id == bindparam("own_id", type_=Uuid),
            Organization.is_seller,
            Organization.is_platform,
        ),
    )
)


def party(uow: UnitOfWork, org_id: UUID) -> Party:
    """An organization's legal identity. Raises NotFound(`organization_not_found`).

    Sellers and the platform are known to everybody; a buyer only to itself and to the platform.
    """
    found: Organization | None = uow.find(_PARTY, org_id=org_id, **viewer(uow.principal))
    if found is None:
        raise NotFound("organization_not_found")
    return Party(
        found.id,
        found.legal_name,
        found.display_name,
        found.country,
        found.tax_id,
        found.locale,
        found.time_zone,
        found.is_seller,
        found.is_platform,
    )


_IS_OWN_PROFILE = or_(bindparam("platform", type_=Boolean), BillingProfile.org_id == bindparam("own_id", type_=Uuid))
_PROFILE = Read(select(BillingProfile).where(BillingProfile.id == bindparam("profile_id"), _IS_OWN_PROFILE))
_DEFAULT_PROFILE = Read(
    select(BillingProfile).where(
        BillingProfile.org_id == bindparam("org_id"), BillingProfile.is_default, _IS_OWN_PROFILE
    )
)


def billing_profile(uow: UnitOfWork, profile_id: UUID) -> InvoiceTitle:
    """One of the acting organization's billing profiles. Raises NotFound(`billing_profile_not_found`)."""
    if not uow.principal.is_platform:
        uow.principal.organization()
    found: BillingProfile | None = uow.find(_PROFILE, profile_id=profile_id, **viewer(uow.principal))
    if found is None:
        raise NotFound("billing_profile_not_found")
    return to_invoice_title(found)


def find_default_billing_profile(uow: UnitOfWork, org_id: UUID) -> InvoiceTitle | None:
    """The organization's default billing profile, if it has one and the principal may see it."""
    found: BillingProfile | None = uow.find(_DEFAULT_PROFILE, org_id=org_id, **viewer(uow.principal))
    return to_invoice_title(found) if found else None


def to_invoice_title(row: BillingProfile) -> InvoiceTitle:
    """A billing profile's row as a frozen value."""
    return InvoiceTitle(
        row.id,
        row.org_id,
        row.legal_name,
        row.tax_id,
        row.country,
        row.address,
        row.bank_name,
        row.bank_account_masked,
        row.email,
        row.is_default,
    )


def claims_of(uow: UnitOfWork, video_id: UUID, plan_id: UUID) -> list[ClaimFact]:
    """What the video promises of the plan, in the order in which it is said."""
    statement = (
        select(Claim, Plan)
        .join(Placement, Placement.id == Claim.placement_id)
        .join(Plan, Plan.id == Placement.plan_id)
        .join(Video, Video.id == Claim.video_id)
        .where(
            Claim.video_id == video_id,
            Placement.plan_id == plan_id,
            Claim.removed_at.is_(None),
            seen_by(uow.principal),
        )
        .order_by(Claim.at_ms, Claim.id)
    )
    return [_claim(claim, plan) for claim, plan in uow.session.execute(statement)]


_PLACEMENTS = Read(
    select(Placement.id, Placement.video_id, Placement.org_id, Placement.start_ms, Placement.end_ms)
    .join(Video, Video.id == Placement.video_id)
    .where(Placement.listing_id == bindparam("listing_id"), MAY_SEE)
)
_TOUCHPOINTS = Read(
    select(Touchpoint)
    .where(
        Touchpoint.org_id == bindparam("org_id"),
        Touchpoint.video_id.in_(select(Placement.video_id).where(Placement.listing_id == bindparam("listing_id"))),
        Touchpoint.occurred_at >= bindparam("since"),
    )
    .order_by(Touchpoint.occurred_at, Touchpoint.id)
)


def placements_of_listing(uow: UnitOfWork, listing_id: UUID) -> list[PlacementFact]:
    """Every placement the listing has or had on videos the principal may see, for attribution."""
    rows = uow.fetch(_PLACEMENTS, listing_id=listing_id, **viewer(uow.principal))
    return [PlacementFact(*row) for row in rows]


def touchpoints_for(uow: UnitOfWork, org_id: UUID, listing_id: UUID, since: datetime) -> list[TouchpointFact]:
    """The organization's touchpoints since `since` on videos that carry the listing, oldest first."""
    if not uow.principal.is_platform and uow.principal.org_id != org_id:
        return []
    return [
        TouchpointFact(
            id=t.id,
            kind=t.kind,
            # A player's clock may be ahead; nothing happened after it was heard of.
            occurred_at=min(t.occurred_at, t.received_at),
            video_id=t.video_id,
            placement_id=t.placement_id,
            second_ms=t.second_ms,
            watched_ms=t.watched_ms,
            sharer_org_id=t.sharer_org_id,
        )
        for t in uow.fetch(_TOUCHPOINTS, org_id=org_id, listing_id=listing_id, since=since)
    ]


def find_sharer(uow: UnitOfWork, code: str, video_id: UUID) -> UUID | None:
    """The organization of the member whose share link this is, when the link is for this video."""
    link = find_share_link(uow, code)
    return link.org_id if link is not None and link.video_id == video_id else None


def _claim(claim: Claim, plan: Plan) -> ClaimFact:
    return ClaimFact(
        kind=claim.kind,
        at_ms=claim.at_ms,
        value_int=claim.value_int,
        value_text=claim.value_text,
        currency=claim.currency,
        unit=claim.unit,
        text=claim.text,
        text_en=claim.text_en,
        ok=find_contradiction(Said.of(claim), terms_of(plan)) is None,
    )
