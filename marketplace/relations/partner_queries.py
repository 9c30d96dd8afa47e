"""Partners, tiers and price lists, as each side reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.relations.partner_links import PARTNER_PERMISSION
from marketplace.relations.partner_models import PartnerLink, PartnerTier, TierPrice
from marketplace.relations.save_tier import PERMISSION


@dataclass(frozen=True, slots=True)
class TierRow:
    """A tier of a seller. A partner reads its code and names alone."""

    id: UUID
    code: str
    name: str
    name_en: str
    rank: int


@dataclass(frozen=True, slots=True)
class TierPriceRow:
    """A price of a tier that holds now."""

    id: UUID
    tier_id: UUID
    listing_id: UUID
    plan_code: str | None
    discount_ppm: int | None
    unit_price_minor: int | None
    currency: str | None
    price: dict[str, Any] | None
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
    return [tier_price_row(row) for row in rows]


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


def tier_price_row(row: TierPrice) -> TierPriceRow:
    """As it is read."""
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
    )


def _rows(uow: UnitOfWork, links: Sequence[PartnerLink]) -> list[PartnerRow]:
    """A partner reads of a seller's tiers the one that it is in, or is asked into."""
    own_id, tier_ids = uow.principal.organization(), {one.tier_id for one in links if one.tier_id is not None}
    tiers: dict[UUID, TierRow] = {}
    if tier_ids:
        with as_platform(uow):
            found = uow.session.scalars(select(PartnerTier).where(PartnerTier.id.in_(tier_ids)))
            tiers = {row.id: tier_row(row) for row in found}
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
            tier=tiers.get(one.tier_id) if one.tier_id is not None else None,
            created_at=one.created_at,
            accepted_at=one.accepted_at,
            ended_at=one.ended_at,
        )
        for one in links
    ]
