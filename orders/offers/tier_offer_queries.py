"""What a seller reads of its offers to tiers: what they say, and what became of each partner's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.catalog.models import ListingVersion, Plan
from marketplace.relations.partner_models import PartnerTier
from orders.offers.deliver_tier_offer import lines_of_tier
from orders.offers.make_tier_offer import MANAGE
from orders.offers.models import Offer, OfferLine
from orders.offers.queries import ApprovalView, OfferLineView, line_view
from orders.offers.tier_offer_models import TierOffer

PlanRow = tuple[Plan, ListingVersion]


@dataclass(frozen=True, slots=True)
class TierOfferView:
    """An offer to a tier. `counts`: how many partners' offers are in each state; of open ones that expired, too."""

    id: UUID
    seller_org_id: UUID
    tier_id: UUID
    tier_code: str
    tier_name: str
    tier_name_en: str
    state: str
    is_expired: bool
    lines: tuple[OfferLineView, ...]
    currency: str
    total_minor: int
    """Of its lines, for each partner."""
    valid_until: datetime
    terms: str
    takes_more: bool
    contract_terms: int | None
    contract_ends_at: datetime | None
    made_by: UUID
    created_at: datetime
    approval: ApprovalView | None
    counts: Mapping[str, int]

    @property
    def sent(self) -> int:
        """To how many partners."""
        return sum(self.counts.values())

    @property
    def accepted(self) -> int:
        """By how many partners."""
        return self.counts.get("accepted", 0)


def list_tier_offers(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[TierOfferView]:
    """The acting seller's, the newest first. Raises Forbidden(`permission_missing`) without leads.manage."""
    uow.principal.require(MANAGE)
    both: Any = select(TierOffer, PartnerTier).join(PartnerTier, PartnerTier.id == TierOffer.tier_id)
    found: Select[Any] = both.where(TierOffer.seller_org_id == uow.principal.organization())
    rows = uow.session.execute(newest_first(found, TierOffer.created_at, TierOffer.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page(_views(uow, page.items), page.next_cursor)


def get_tier_offer(uow: UnitOfWork, tier_offer_id: UUID) -> TierOfferView:
    """One of the acting seller's. Raises: Forbidden `permission_missing` without leads.manage; NotFound `offer_not_found`."""
    uow.principal.require(MANAGE)
    found = select(TierOffer, PartnerTier).join(PartnerTier, PartnerTier.id == TierOffer.tier_id)
    own = TierOffer.seller_org_id == uow.principal.organization()
    rows = uow.session.execute(found.where(TierOffer.id == tier_offer_id, own)).all()
    if not rows:
        raise NotFound("offer_not_found")
    return _views(uow, rows)[0]


def tiers_to_offer(uow: UnitOfWork) -> list[PartnerTier]:
    """The acting seller's tiers, the highest first. Raises Forbidden(`permission_missing`) without leads.manage."""
    uow.principal.require(MANAGE)
    own = PartnerTier.seller_org_id == uow.principal.organization()
    return list(uow.session.scalars(select(PartnerTier).where(own).order_by(PartnerTier.rank, PartnerTier.code)))


def _views(uow: UnitOfWork, rows: Sequence[Any]) -> list[TierOfferView]:
    if not rows:
        return []
    ids = [offer.id for offer, _ in rows]
    plan_ids = {one["plan_id"] for offer, _ in rows for one in lines_of_tier(offer)}
    plans: dict[UUID, PlanRow] = {
        plan.id: (plan, version)
        for plan, version in uow.session.execute(
            select(Plan, ListingVersion)
            .join(ListingVersion, ListingVersion.id == Plan.version_id)
            .where(Plan.id.in_(plan_ids))
        )
    }
    counted = uow.session.execute(
        select(Offer.tier_offer_id, Offer.state, func.count())
        .where(Offer.seller_org_id == uow.principal.organization(), Offer.tier_offer_id.in_(ids))
        .group_by(Offer.tier_offer_id, Offer.state)
    )
    counts: dict[UUID | None, dict[str, int]] = {}
    for tier_offer_id, state, count in counted:
        counts.setdefault(tier_offer_id, {})[state] = count
    return [_view(offer, tier, plans, counts.get(offer.id, {})) for offer, tier in rows]


def _view(
    offer: TierOffer, tier: PartnerTier, plans: Mapping[UUID, PlanRow], counts: Mapping[str, int]
) -> TierOfferView:
    currency = offer.currency.strip()
    lines = tuple(line_view(currency, OfferLine(**one), *plans[one["plan_id"]]) for one in lines_of_tier(offer))
    return TierOfferView(
        id=offer.id,
        seller_org_id=offer.seller_org_id,
        tier_id=offer.tier_id,
        tier_code=tier.code,
        tier_name=tier.name or tier.name_en,
        tier_name_en=tier.name_en or tier.name,
        state=offer.state,
        is_expired=offer.state in {"open", "awaiting_approval"} and offer.valid_until <= clock.now(),
        lines=lines,
        currency=currency,
        total_minor=sum(one.total_minor for one in lines),
        valid_until=offer.valid_until,
        terms=offer.terms,
        takes_more=offer.takes_more,
        contract_terms=offer.contract_terms,
        contract_ends_at=offer.contract_ends_at,
        made_by=offer.made_by,
        created_at=offer.created_at,
        approval=ApprovalView.of(offer.below, offer.decision, offer.decision_text, offer.decided_at)
        if offer.below
        else None,
        counts=counts,
    )
