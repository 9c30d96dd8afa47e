"""Reads of promoter plans: a seller's own with who takes part, and what a promoter may promote and under which terms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from billing.promoter_plans.models import PromoterMembership, PromoterPlan
from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.catalog.access import shown_to
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.parties.models import Organization


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """A promoter's place in a plan. `may_answer`: it waits for the reader's side."""

    id: UUID
    plan_id: UUID
    promoter_org_id: UUID
    promoter_name: str
    state: str
    may_answer: bool
    counts_from: datetime | None
    counts_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PromoterPlanRow:
    """A plan. Its chain is named to its seller alone; `members` are all of its own, or the reader's."""

    id: UUID
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    listing_name: str
    listing_name_en: str
    kind: str
    rate_ppm: int
    promoter_ppm: int
    """What of it is the promoter's own."""
    distributor_name: str | None
    distributor_ppm: int
    service_name: str | None
    service_ppm: int
    order_cap_minor: int | None
    month_cap_minor: int | None
    currency: str | None
    is_over: bool
    starts_at: datetime
    ends_at: datetime | None
    members: tuple[MembershipRow, ...]


def list_own_plans(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[PromoterPlanRow]:
    """The acting seller's, the newest first."""
    own_id = uow.principal.organization()
    statement = select(PromoterPlan).where(PromoterPlan.seller_org_id == own_id)
    rows = uow.session.scalars(newest_first(statement, PromoterPlan.created_at, PromoterPlan.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(plan_rows(uow, page.items), page.next_cursor)


def list_offered_plans(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[PromoterPlanRow]:
    """Other sellers' plans that are in force for products that are on sale, the newest first: what the acting organization may
    promote, or ask to; and those it takes part in.
    """
    own_id, now = uow.principal.organization(), clock.now()
    with as_platform(uow):
        statement = (
            select(PromoterPlan)
            .join(Listing, Listing.id == PromoterPlan.listing_id)
            .where(
                PromoterPlan.seller_org_id != own_id,
                or_(PromoterPlan.ends_at.is_(None), PromoterPlan.ends_at > now),
                state_in(Listing.state, "published"),
                shown_to(own_id),
            )
        )
        rows = uow.session.scalars(
            newest_first(statement, PromoterPlan.created_at, PromoterPlan.id, cursor, limit)
        ).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(plan_rows(uow, page.items), page.next_cursor)


def get_plan(uow: UnitOfWork, plan_id: UUID) -> PromoterPlanRow:
    """A plan of the acting seller. Raises NotFound(`promoter_plan_not_found`)."""
    plan = uow.session.get(PromoterPlan, plan_id)
    if plan is None or plan.seller_org_id != uow.principal.organization():
        raise NotFound("promoter_plan_not_found")
    return plan_rows(uow, [plan])[0]


def plan_rows(uow: UnitOfWork, plans: Sequence[PromoterPlan]) -> list[PromoterPlanRow]:
    """As the acting organization reads them."""
    own_id = uow.principal.organization()
    with as_platform(uow):
        members = _members(uow, [plan.id for plan in plans], own_id)
        chain = {org_id for plan in plans for org_id in (plan.distributor_org_id, plan.service_org_id) if org_id}
        names = _names(uow, chain | {plan.seller_org_id for plan in plans} | {row.promoter_org_id for row in members})
        titles = _titles(uow, [plan.listing_id for plan in plans])
    found = []
    for plan in plans:
        own = plan.seller_org_id == own_id
        title = titles[plan.listing_id]
        found.append(
            PromoterPlanRow(
                id=plan.id,
                seller_org_id=plan.seller_org_id,
                seller_name=names[plan.seller_org_id],
                listing_id=plan.listing_id,
                listing_name=title[0],
                listing_name_en=title[1],
                kind=plan.kind,
                rate_ppm=plan.rate_ppm,
                promoter_ppm=plan.rate_ppm - plan.distributor_ppm - plan.service_ppm,
                distributor_name=names.get(plan.distributor_org_id) if own and plan.distributor_org_id else None,
                distributor_ppm=plan.distributor_ppm,
                service_name=names.get(plan.service_org_id) if own and plan.service_org_id else None,
                service_ppm=plan.service_ppm,
                order_cap_minor=plan.order_cap_minor,
                month_cap_minor=plan.month_cap_minor,
                currency=plan.currency.strip() if plan.currency else None,
                is_over=plan.ends_at is not None,
                starts_at=plan.starts_at,
                ends_at=plan.ends_at,
                members=tuple(membership_row(row, names, own_id) for row in members if row.plan_id == plan.id),
            )
        )
    return found


def membership_row(row: PromoterMembership, names: dict[UUID, str], own_id: UUID) -> MembershipRow:
    """As one of its sides reads it."""
    waits_for = {"applied": row.seller_org_id, "invited": row.promoter_org_id}.get(row.state)
    return MembershipRow(
        row.id,
        row.plan_id,
        row.promoter_org_id,
        names[row.promoter_org_id],
        row.state,
        waits_for == own_id,
        row.counts_from,
        row.counts_until,
        row.created_at,
    )


def read_membership(uow: UnitOfWork, row: PromoterMembership) -> MembershipRow:
    """One that the acting organization is a side of."""
    own_id = uow.principal.organization()
    with as_platform(uow):
        return membership_row(row, _names(uow, {row.promoter_org_id}), own_id)


def _members(uow: UnitOfWork, plan_ids: Collection[UUID], own_id: UUID) -> list[PromoterMembership]:
    """Of one's own plans everybody; of others' oneself."""
    mine = or_(PromoterMembership.seller_org_id == own_id, PromoterMembership.promoter_org_id == own_id)
    statement = select(PromoterMembership).where(PromoterMembership.plan_id.in_(plan_ids), mine)
    return list(uow.session.scalars(statement.order_by(PromoterMembership.created_at.desc(), PromoterMembership.id)))


def _titles(uow: UnitOfWork, listing_ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Of listings as they are on sale; of one that was not yet, the name in its address."""
    rows = uow.session.execute(
        select(Listing.id, Listing.slug, ListingVersion.title, ListingVersion.title_en)
        .outerjoin(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .where(Listing.id.in_(list(listing_ids)))
    )
    return {row.id: (row.title or row.slug, row.title_en or row.slug) for row in rows}


def _names(uow: UnitOfWork, org_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = uow.session.execute(
        select(Organization.id, Organization.display_name).where(Organization.id.in_(list(org_ids)))
    )
    return {row[0]: row[1] for row in rows}
