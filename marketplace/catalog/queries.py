"""Reads about listings: what anybody may buy, what a seller works on, what a reviewer has before them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.catalog.access import SHOWN
from marketplace.catalog.listing_filter import EVERYTHING, ListingFilter, of_a_plan, of_listing
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.catalog.rate_listing import average_tenths
from marketplace.catalog.show_reliability import Reliability
from marketplace.parties.models import Organization
from marketplace.placements.claim_checks import price_unit
from marketplace.pricing.shapes import is_by_seat
from marketplace.search_index.found_by_words import found_by_words
from marketplace.service_windows.response_time import ResponseTime


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan. Its price is for one unit: a seat, or the whole, for one interval."""

    id: UUID
    listing_id: UUID
    code: str
    name: str
    name_en: str
    pricing: str
    interval: str
    term_months: int
    price_unit: str
    currency: str
    unit_price_minor: int
    price: dict[str, Any] | None
    tax_included: bool
    untaxed_price: str
    min_seats: int
    max_seats: int
    included_seats: int
    trial_days: int
    trial_needs_method: bool
    renewal_lead_days: int
    contract_terms: int
    features: tuple[dict[str, Any], ...]
    deadline_s: int
    state: str
    connector_id: UUID | None

    @property
    def sold_by_seat(self) -> bool:
        """Whether a quantity of it is a number of seats."""
        return is_by_seat(self.pricing, self.price)


@dataclass(frozen=True, slots=True)
class ListingView:
    """A listing with one of its versions: the one on sale for buyers, the latest for its seller.

    `rating_tenths`: the average of `rating_count` customers' reviews, in tenths of a star.
    """

    id: UUID
    org_id: UUID
    seller_name: str
    kind: str
    category: str
    slug: str
    state: str
    version_id: UUID
    version_number: int
    version_state: str
    title: str
    title_en: str
    summary: str
    summary_en: str
    description: str
    description_en: str
    tax_category: str
    selling_model: str
    refund_window_days: int
    data_kept_days: int
    images: tuple[dict[str, Any], ...]
    terms: dict[str, Any] | None
    review_reasons: tuple[dict[str, Any], ...]
    submitted_at: datetime | None
    published_at: datetime | None
    created_at: datetime
    rating_count: int
    rating_tenths: int | None
    reliability: Reliability | None
    response_time: ResponseTime | None
    plans: tuple[PlanView, ...]
    visibility: str = "public"
    partner_groups: tuple[UUID, ...] = ()
    """While it is for partners, which (`Listing.partner_groups`); its seller's to read."""


@dataclass(frozen=True, slots=True)
class VersionsCompared:
    """What a seller works on, or a reviewer decides about, beside what is on sale; the same when nothing newer is drafted."""

    latest: ListingView
    published: ListingView | None


def list_listings(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, only: ListingFilter = EVERYTHING
) -> Page[ListingView]:
    """Listings on sale, newest first; each has one plan on sale that meets everything asked of plans.

    Raises Invalid: `cursor_invalid`; `currency_required` for a price without a currency; `price_limits_swapped`.
    """
    statement = _selected(Listing.current_version_id == ListingVersion.id).where(
        *_on_sale(), *of_listing(only), *of_a_plan(only), *_named(uow, only.query)
    )
    return _page(uow, statement, cursor, limit, owner=False)


def list_listings_by_id(uow: UnitOfWork, listing_ids: Collection[UUID]) -> dict[UUID, ListingView]:
    """Those of these listings that are on sale, by id."""
    if not listing_ids:
        return {}
    statement = _selected(Listing.current_version_id == ListingVersion.id).where(
        *_on_sale(), Listing.id.in_(list(listing_ids))
    )
    rows = [(row[0], row[1], row[2]) for row in uow.session.execute(statement)]
    return {view.id: view for view in _views(uow, rows, owner=False)}


def has_on_sale(uow: UnitOfWork, org_id: UUID) -> bool:
    """Whether the acting organization could buy anything of this one."""
    return bool(
        uow.session.scalar(
            select(select(Listing.id).where(Listing.org_id == org_id, Listing.state == "published", SHOWN).exists())
        )
    )


def list_sellers_on_sale(uow: UnitOfWork, *, most: int) -> list[tuple[UUID, str]]:
    """Sellers of whom something is on sale, by name."""
    selling = select(Listing.id).where(Listing.org_id == Organization.id, Listing.state == "published", SHOWN).exists()
    statement = (
        select(Organization.id, Organization.display_name)
        .where(Organization.is_seller, Organization.state == "active", selling)
        .order_by(Organization.display_name, Organization.id)
        .limit(most)
    )
    return [(row.id, row.display_name) for row in uow.session.execute(statement)]


def _on_sale() -> tuple[ColumnElement[bool], ...]:
    return Listing.state == "published", Organization.state == "active", SHOWN


def list_sold_listings(
    uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20, query: str | None = None
) -> Page[ListingView]:
    """Listings that are or were on sale, everybody's, newest first, for operators.

    Raises Forbidden(`operator_required`), Invalid(`cursor_invalid`).
    """
    if not uow.principal.is_platform:
        raise Forbidden("operator_required")
    statement = _selected(Listing.current_version_id == ListingVersion.id).where(*_containing(query))
    return _page(uow, statement, cursor, limit, owner=True)


def _named(uow: UnitOfWork, query: str | None) -> list[ColumnElement[bool]]:
    """It has every word, as the search index finds them."""
    return [Listing.id.in_(found_by_words(uow, query, "product"))] if query else []


def _containing(query: str | None) -> list[ColumnElement[bool]]:
    """Every word is in the title, the summary or the seller's name."""
    conditions: list[ColumnElement[bool]] = []
    for word in (query or "").split()[:8]:
        columns = (
            ListingVersion.title,
            ListingVersion.title_en,
            ListingVersion.summary,
            ListingVersion.summary_en,
            Organization.display_name,
        )
        conditions.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return conditions


def get_listing(uow: UnitOfWork, listing_id: UUID) -> ListingView:
    """A listing on sale, or one's own that once was. Raises NotFound(`listing_not_found`)."""
    statement = _selected(Listing.current_version_id == ListingVersion.id).where(
        Listing.id == listing_id,
        or_(and_(*_on_sale()), Listing.org_id == uow.principal.org_id),
    )
    row = uow.session.execute(statement).first()
    if row is None:
        raise NotFound("listing_not_found")
    owner = row[0].org_id == uow.principal.org_id
    return _views(uow, [(row[0], row[1], row[2])], owner=owner)[0]


def list_own_listings(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[ListingView]:
    """The acting organization's listings with their latest versions, newest first. Raises Invalid(`cursor_invalid`)."""
    statement = _selected(_is_latest()).where(Listing.org_id == uow.principal.organization())
    return _page(uow, statement, cursor, limit, owner=True)


def get_own_listing(uow: UnitOfWork, listing_id: UUID) -> ListingView:
    """One of the acting organization's listings with its latest version. Raises NotFound(`listing_not_found`)."""
    statement = _selected(_is_latest()).where(Listing.id == listing_id, Listing.org_id == uow.principal.organization())
    row = uow.session.execute(statement).first()
    if row is None:
        raise NotFound("listing_not_found")
    return _views(uow, [(row[0], row[1], row[2])], owner=True)[0]


def list_versions(uow: UnitOfWork, listing_id: UUID) -> list[ListingView]:
    """Every version of one's own listing, newest first. Raises NotFound(`listing_not_found`)."""
    statement = (
        _selected(ListingVersion.listing_id == Listing.id)
        .where(Listing.id == listing_id, Listing.org_id == uow.principal.organization())
        .order_by(ListingVersion.number.desc())
    )
    rows = [(row[0], row[1], row[2]) for row in uow.session.execute(statement)]
    if not rows:
        raise NotFound("listing_not_found")
    return _views(uow, rows, owner=True)


def list_in_review(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[ListingView]:
    """Versions that wait for a reviewer, newest first, for operators. Raises Forbidden(`operator_required`)."""
    if not uow.principal.is_platform:
        raise Forbidden("operator_required")
    statement = _selected(ListingVersion.listing_id == Listing.id).where(ListingVersion.state == "in_review")
    return _page(uow, statement, cursor, limit, owner=True)


def review_queue(uow: UnitOfWork, *, limit: int = 50) -> list[ListingView]:
    """Versions that wait for a reviewer, the longest first, for operators. Raises Forbidden(`operator_required`)."""
    if not uow.principal.is_platform:
        raise Forbidden("operator_required")
    statement = (
        _selected(ListingVersion.listing_id == Listing.id)
        .where(ListingVersion.state == "in_review")
        .order_by(ListingVersion.submitted_at, ListingVersion.id)
        .limit(limit)
    )
    return _views(uow, [(row[0], row[1], row[2]) for row in uow.session.execute(statement)], owner=True)


def get_versions_compared(uow: UnitOfWork, listing_id: UUID) -> VersionsCompared:
    """The latest version of a listing beside the one on sale; one's own listing, or any for operators.

    Raises NotFound(`listing_not_found`).
    """
    newer = aliased(ListingVersion)
    latest = select(func.max(newer.number)).where(newer.listing_id == Listing.id).scalar_subquery()
    wanted = or_(ListingVersion.number == latest, ListingVersion.id == Listing.current_version_id)
    statement = (
        _selected((ListingVersion.listing_id == Listing.id) & wanted)
        .where(Listing.id == listing_id)
        .order_by(ListingVersion.number.desc())
    )
    if not uow.principal.is_platform:
        statement = statement.where(Listing.org_id == uow.principal.organization())
    rows = [(row[0], row[1], row[2]) for row in uow.session.execute(statement)]
    if not rows:
        raise NotFound("listing_not_found")
    views = _views(uow, rows, owner=True)
    return VersionsCompared(views[0], views[-1] if rows[-1][0].current_version_id == views[-1].version_id else None)


def list_own_plans(uow: UnitOfWork) -> list[tuple[ListingView, PlanView]]:
    """Every plan the acting organization may put on a card of its own: of its listings' latest versions."""
    page = list_own_listings(uow, limit=100)
    return [(listing, plan) for listing in page.items for plan in listing.plans if plan.state == "active"]


def _selected(version: ColumnElement[bool]) -> Any:
    return (
        select(Listing, ListingVersion, Organization)
        .select_from(Listing)
        .join(ListingVersion, version)
        .join(Organization, Organization.id == Listing.org_id)
    )


def _is_latest() -> ColumnElement[bool]:
    later = aliased(ListingVersion)
    newer = select(later.id).where(later.listing_id == Listing.id, later.number > ListingVersion.number).exists()
    return (ListingVersion.listing_id == Listing.id) & ~newer


def _page(uow: UnitOfWork, statement: Any, cursor: str | None, limit: int, *, owner: bool) -> Page[ListingView]:
    statement = newest_first(statement, Listing.created_at, Listing.id, cursor, limit)
    rows = [(row[0], row[1], row[2]) for row in uow.session.execute(statement)]
    page = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page(_views(uow, page.items, owner=owner), page.next_cursor)


def _views(
    uow: UnitOfWork, rows: Sequence[tuple[Listing, ListingVersion, Organization]], *, owner: bool
) -> list[ListingView]:
    plans: dict[UUID, list[PlanView]] = {}
    statement = (
        select(Plan)
        .where(Plan.version_id.in_([version.id for _, version, _ in rows]))
        .order_by(Plan.unit_price_minor, Plan.id)
    )
    for plan in uow.session.scalars(statement):
        # A buyer sees what can be bought; how a purchase reaches the seller's system is the seller's own affair.
        if owner or plan.state == "active":
            plans.setdefault(plan.version_id, []).append(_plan(plan, owner=owner))
    return [
        ListingView(
            id=listing.id,
            org_id=listing.org_id,
            seller_name=seller.display_name,
            kind=listing.kind,
            category=listing.category,
            slug=listing.slug,
            state=listing.state,
            version_id=version.id,
            version_number=version.number,
            version_state=version.state,
            title=version.title,
            title_en=version.title_en,
            summary=version.summary,
            summary_en=version.summary_en,
            description=version.description,
            description_en=version.description_en,
            tax_category=version.tax_category,
            selling_model=version.selling_model,
            refund_window_days=version.refund_window_days,
            data_kept_days=version.data_kept_days,
            images=tuple(version.images),
            terms=version.terms,
            review_reasons=tuple(version.review_reasons or ()) if owner else (),
            submitted_at=version.submitted_at if owner else None,
            published_at=version.published_at,
            created_at=listing.created_at,
            rating_count=listing.rating_count,
            rating_tenths=average_tenths(listing.rating_count, listing.rating_sum),
            reliability=Reliability.of(listing.reliability),
            response_time=ResponseTime.of(seller.response_time),
            plans=tuple(plans.get(version.id, ())),
            visibility=listing.visibility,
            partner_groups=tuple(listing.partner_groups) if owner else (),
        )
        for listing, version, seller in rows
    ]


def _plan(plan: Plan, *, owner: bool) -> PlanView:
    return PlanView(
        id=plan.id,
        listing_id=plan.listing_id,
        code=plan.code,
        name=plan.name,
        name_en=plan.name_en,
        pricing=plan.pricing,
        interval=plan.interval,
        term_months=plan.term_months,
        price_unit=price_unit(plan.pricing, plan.interval),
        currency=plan.currency,
        unit_price_minor=plan.unit_price_minor,
        price=plan.price,
        tax_included=plan.tax_included,
        untaxed_price=plan.untaxed_price,
        min_seats=plan.min_seats,
        max_seats=plan.max_seats,
        included_seats=plan.included_seats,
        trial_days=plan.trial_days,
        trial_needs_method=plan.trial_needs_method,
        renewal_lead_days=plan.renewal_lead_days,
        contract_terms=plan.contract_terms,
        features=tuple(plan.features),
        deadline_s=plan.deadline_s,
        state=plan.state,
        connector_id=plan.connector_id if owner else None,
    )
