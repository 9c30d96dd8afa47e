"""Partners, tiers and price lists, as each side reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.placements.claim_checks import price_unit
from marketplace.pricing.offered import is_one_figure
from marketplace.pricing.shapes import headline
from marketplace.pricing.tier_price import price_at_tier
from marketplace.relations.partner_links import PARTNER_PERMISSION
from marketplace.relations.partner_models import PartnerLink, PartnerTier, TierPrice
from marketplace.relations.save_tier import PERMISSION, figures_of, holds_for
from marketplace.relations.territories import running_territories


@dataclass(frozen=True, slots=True)
class TierRow:
    """A tier of a seller. A partner reads its code and names alone: how many are above it is the seller's."""

    id: UUID
    code: str
    name: str
    name_en: str
    rank: int | None


@dataclass(frozen=True, slots=True)
class TierPriceRow:
    """A price of a tier that stands in its list.

    `in_force`: whether partners buy at it; else a plan's own price holds, which is lower by now or made otherwise, or nothing of
    it is `on_sale`. Of one plan with a unit price: what a unit costs, and at the plan's own price.
    """

    id: UUID
    tier_id: UUID
    listing_id: UUID
    plan_code: str | None
    discount_ppm: int | None
    unit_price_minor: int | None
    currency: str | None
    price: dict[str, Any] | None
    created_at: datetime
    on_sale: bool
    in_force: bool
    own_unit_minor: int | None
    list_unit_minor: int | None
    list_currency: str | None
    price_unit: str | None
    min_quantity: int = 1
    quantity_step: int = 1


@dataclass(frozen=True, slots=True)
class TerritoryRow:
    """Where a partner may order for customers (`marketplace.relations.territory_models`), and since when."""

    regions: Sequence[str]
    is_exclusive: bool
    listing_ids: Sequence[UUID]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A link between a seller and a partner. `may_answer`: it waits for the reader's side."""

    id: UUID
    seller_org_id: UUID
    seller_name: str
    buyer_org_id: UUID
    buyer_name: str
    state: str
    by_seller: bool
    may_answer: bool
    tier: TierRow | None
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    territory: TerritoryRow | None = None
    """None: it orders for customers everywhere."""


def list_tiers(uow: UnitOfWork) -> list[TierRow]:
    """The acting seller's, the highest first. Raises Forbidden `permission_missing` without catalog.write."""
    uow.principal.require(PERMISSION)
    rows = uow.session.scalars(
        select(PartnerTier)
        .where(PartnerTier.seller_org_id == uow.principal.organization())
        .order_by(PartnerTier.rank, PartnerTier.code)
    )
    return [tier_row(row) for row in rows]


def list_tier_prices(uow: UnitOfWork, tier_id: UUID | None = None) -> list[TierPriceRow]:
    """What holds now in one of the acting seller's tiers, or in all; the latest first.

    Raises: Forbidden `permission_missing` without catalog.write; NotFound `partner_tier_not_found`.
    """
    uow.principal.require(PERMISSION)
    own_id = uow.principal.organization()
    found = select(TierPrice).where(TierPrice.seller_org_id == own_id, TierPrice.ended_at.is_(None))
    if tier_id is not None:
        tier = uow.session.get(PartnerTier, tier_id)
        if tier is None or tier.seller_org_id != own_id:
            raise NotFound("partner_tier_not_found")
        found = found.where(TierPrice.tier_id == tier_id)
    rows = uow.session.scalars(found.order_by(TierPrice.created_at.desc(), TierPrice.id.desc()))
    return _tier_price_rows(uow, rows.all())


def list_partners(uow: UnitOfWork, *, sells: bool, cursor: str | None = None, limit: int = 20) -> Page[PartnerRow]:
    """Links of the acting seller, or else of the acting organization with sellers; the newest first.

    Raises: Forbidden `permission_missing` without catalog.write, or of a partner without orders.buy.
    """
    uow.principal.require(PERMISSION if sells else PARTNER_PERMISSION)
    side = PartnerLink.seller_org_id if sells else PartnerLink.buyer_org_id
    found = select(PartnerLink).where(side == uow.principal.organization())
    rows = uow.session.scalars(newest_first(found, PartnerLink.created_at, PartnerLink.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(_rows(uow, page.items), page.next_cursor)


def get_partner(uow: UnitOfWork, link_id: UUID) -> PartnerRow:
    """One of the acting organization's, on whichever side.

    Raises: NotFound `partner_link_not_found`; Forbidden `permission_missing`.
    """
    own_id = uow.principal.organization()
    link = uow.session.get(PartnerLink, link_id)
    if link is None or own_id not in link.parties:
        raise NotFound("partner_link_not_found")
    uow.principal.require(PERMISSION if link.seller_org_id == own_id else PARTNER_PERMISSION)
    return _rows(uow, [link])[0]


def tier_row(row: PartnerTier) -> TierRow:
    """As it is read."""
    return TierRow(row.id, row.code, row.name, row.name_en, row.rank)


def tier_price_row(uow: UnitOfWork, row: TierPrice) -> TierPriceRow:
    """As it is read."""
    return _tier_price_rows(uow, [row])[0]


def _tier_price_rows(uow: UnitOfWork, rows: Sequence[TierPrice]) -> list[TierPriceRow]:
    plans: dict[UUID, list[Plan]] = {}
    if rows:
        on_sale = select(Plan).join(Listing, Listing.current_version_id == Plan.version_id)
        of_rows = Plan.listing_id.in_({row.listing_id for row in rows})
        for plan in uow.session.scalars(on_sale.where(of_rows, Plan.state == "active", Listing.state == "published")):
            plans.setdefault(plan.listing_id, []).append(plan)
    return [
        _tier_price(row, [one for one in plans.get(row.listing_id, ()) if row.plan_code in (None, one.code)])
        for row in rows
    ]


def _tier_price(row: TierPrice, plans: Sequence[Plan]) -> TierPriceRow:
    """`plans`: what it is for, as it is on sale."""
    holding = [plan for plan in plans if _holds(plan, row)]
    one = plans[0] if row.plan_code is not None and plans else None
    unit = plan_price(one) if one is not None and is_one_figure(plan_price(one)) else None
    own = price_at_tier(unit, figures_of(row)) if unit is not None and holding else None
    return TierPriceRow(
        row.id,
        row.tier_id,
        row.listing_id,
        row.plan_code,
        row.discount_ppm,
        row.unit_price_minor,
        row.currency.strip() if row.currency else None,
        row.price,
        row.created_at,
        on_sale=bool(plans),
        in_force=bool(holding),
        own_unit_minor=headline(own).unit_price_minor if own is not None else None,
        list_unit_minor=headline(unit).unit_price_minor if unit is not None else None,
        list_currency=unit.currency if unit is not None else None,
        price_unit=price_unit(one.pricing, one.interval) if one is not None and unit is not None else None,
        min_quantity=row.min_quantity,
        quantity_step=row.quantity_step,
    )


def _holds(plan: Plan, row: TierPrice) -> bool:
    try:
        return holds_for(plan, figures_of(row))
    except Invalid:
        return False


def _seen(tier: TierRow | None, *, is_own: bool) -> TierRow | None:
    return tier if tier is None or is_own else replace(tier, rank=None)


def _rows(uow: UnitOfWork, links: Sequence[PartnerLink]) -> list[PartnerRow]:
    """A partner reads of a seller's tiers the one that it is in, or is asked into."""
    own_id, tier_ids = uow.principal.organization(), {one.tier_id for one in links if one.tier_id is not None}
    tiers: dict[UUID, TierRow] = {}
    if tier_ids:
        with as_platform(uow):
            found = uow.session.scalars(select(PartnerTier).where(PartnerTier.id.in_(tier_ids)))
            tiers = {row.id: tier_row(row) for row in found}
    territories = {
        link_id: TerritoryRow(row.regions, row.is_exclusive, row.listing_ids, row.created_at)
        for link_id, row in running_territories(uow, links).items()
    }
    return [
        PartnerRow(
            id=one.id,
            seller_org_id=one.seller_org_id,
            seller_name=one.seller_name,
            buyer_org_id=one.buyer_org_id,
            buyer_name=one.buyer_name,
            state=one.state,
            by_seller=one.by_seller,
            may_answer=one.state == "asked" and (one.seller_org_id == own_id) is not one.by_seller,
            tier=_seen(tiers.get(one.tier_id), is_own=one.seller_org_id == own_id) if one.tier_id else None,
            created_at=one.created_at,
            accepted_at=one.accepted_at,
            ended_at=one.ended_at,
            territory=territories.get(one.id),
        )
        for one in links
    ]
