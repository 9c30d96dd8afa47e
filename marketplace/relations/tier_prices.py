"""What partners pay: read for whoever asks for a price, and shown to nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, literal_column, or_, select

from kernel.db.platform_scope import reading_as_platform
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import price_term
from marketplace.pricing.order_quantities import Quantities
from marketplace.pricing.shapes import headline
from marketplace.pricing.tier_price import TierFigures, better_at_tier, partner_quantities
from marketplace.relations.partner_models import PartnerLink, PartnerTier, TierPrice
from marketplace.relations.save_tier import figures_of


@dataclass(frozen=True, slots=True)
class PartnerPrice:
    """A price of the tier that the acting organization is in, and how the tier is called."""

    link_id: UUID
    tier_id: UUID
    tier_price_id: UUID
    listing_id: UUID
    plan_code: str | None
    code: str
    name: str
    name_en: str
    figures: TierFigures


@dataclass(frozen=True, slots=True)
class ShownPrice:
    """A plan at the reader's tier, in minor units: one unit and interval, and a first term of the fewest seats it may order."""

    plan_id: UUID
    plan_code: str
    tier_code: str
    tier_name: str
    tier_name_en: str
    currency: str
    unit_price_minor: int
    list_unit_price_minor: int
    amount_minor: int
    list_minor: int
    price: PlanPrice
    ordered: Quantities
    """In what numbers the reader's organization orders it."""

    @property
    def min_quantity(self) -> int:
        """The fewest."""
        return self.ordered.least

    @property
    def quantity_step(self) -> int:
        """In what steps from there on."""
        return self.ordered.step


_running: Any = (
    select(Plan, TierPrice, PartnerTier, PartnerLink.id.label("link_id"))
    .select_from(PartnerLink)
    .join(PartnerTier, PartnerTier.id == PartnerLink.tier_id)
    .join(TierPrice, TierPrice.tier_id == PartnerLink.tier_id)
    .join(
        Plan,
        (Plan.listing_id == TierPrice.listing_id)
        & or_(TierPrice.plan_code.is_(None), TierPrice.plan_code == Plan.code),
    )
    .where(
        PartnerLink.buyer_org_id == bindparam("buyer_id", type_=Uuid),
        # Written out, as the index of those that stand says it.
        PartnerLink.state == literal_column("'accepted'"),
        TierPrice.ended_at.is_(None),
    )
)
_of_plans = _running.where(Plan.id == any_(bindparam("plan_ids", type_=ARRAY(Uuid))))
_OF_PLANS_SHOWN = Read(_of_plans)
_OF_PLANS = Read(_of_plans.with_for_update(of=PartnerLink, read=True))
"""With the buyer's link held until the quote is written: it ends either before, and the quote is at the plan's price, or after,
and finds the quote."""
_OF_LISTINGS = Read(
    _running.join(Listing, Listing.current_version_id == Plan.version_id).where(
        Listing.id == any_(bindparam("listing_ids", type_=ARRAY(Uuid))), Plan.state == "active"
    )
)


def ask_partner_prices(uow: UnitOfWork, plan_ids: Sequence[UUID]) -> None:
    """Ask ahead for `partner_prices`."""
    asked = _asked(uow, plan_ids)
    with reading_as_platform(uow):
        uow.ask_ahead(_OF_PLANS, **asked)


def partner_prices(
    uow: UnitOfWork, plan_ids: Sequence[UUID], buyer_id: UUID | None = None, *, held: bool = True
) -> dict[UUID, PartnerPrice]:
    """Of these plans those that the acting organization, or else `buyer_id`, has a tier's price for: the plan's own before that
    for all.

    Locks: where they are `held`, the organization's links, shared, until the transaction ends.
    """
    asked = _asked(uow, plan_ids, buyer_id)
    with reading_as_platform(uow):
        rows = uow.fetch(_OF_PLANS if held else _OF_PLANS_SHOWN, **asked)
    return {plan.id: one for plan, one in _best(rows)}


def shown_prices(uow: UnitOfWork, listing_ids: Sequence[UUID]) -> dict[UUID, ShownPrice]:
    """What the reader's organization pays as a partner for the plans of these products, by the plan; nothing is held.

    Plans at their own price are left out: there is none for the tier, it does not fit any more, or it is no lower.
    """
    own_id = uow.principal.org_id
    if own_id is None or not listing_ids:
        return {}
    with reading_as_platform(uow):
        rows = uow.fetch(_OF_LISTINGS, listing_ids=sorted(set(listing_ids)), buyer_id=own_id)
    found = {plan.id: _shown(plan, one) for plan, one in _best(rows)}
    return {plan_id: shown for plan_id, shown in found.items() if shown is not None}


def _best(rows: Sequence[Any]) -> list[tuple[Plan, PartnerPrice]]:
    """Of each plan its own price before that for all of its product."""
    found: dict[UUID, Any] = {}
    for row in rows:
        if row.Plan.id not in found or row.TierPrice.plan_code is not None:
            found[row.Plan.id] = row
    return [(row.Plan, _price(row)) for row in found.values()]


def _shown(plan: Plan, one: PartnerPrice) -> ShownPrice | None:
    listed = plan_price(plan)
    ordered = partner_quantities(listed, one.figures)
    own = better_at_tier(listed, one.figures, ordered.least)
    if own is None:
        return None
    return ShownPrice(
        plan_id=plan.id,
        plan_code=plan.code,
        tier_code=one.code,
        tier_name=one.name,
        tier_name_en=one.name_en,
        currency=plan.currency.strip(),
        unit_price_minor=headline(own).unit_price_minor,
        list_unit_price_minor=plan.unit_price_minor,
        amount_minor=price_term(own, ordered.least).amount_minor,
        list_minor=price_term(listed, ordered.least).amount_minor,
        price=own,
        ordered=ordered,
    )


def _asked(uow: UnitOfWork, plan_ids: Sequence[UUID], buyer_id: UUID | None = None) -> dict[str, Any]:
    return {"plan_ids": list(dict.fromkeys(plan_ids)), "buyer_id": buyer_id or uow.principal.organization()}


def _price(row: Any) -> PartnerPrice:
    price, tier = row.TierPrice, row.PartnerTier
    return PartnerPrice(
        row.link_id,
        tier.id,
        price.id,
        price.listing_id,
        price.plan_code,
        tier.code,
        # Orders and pages speak both languages.
        tier.name or tier.name_en,
        tier.name_en or tier.name,
        figures_of(price),
    )
