"""What a buyer may order by a sheet: everything on sale of the sellers whose partner it is, and whatever is named by its id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, literal_column, or_, select

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, ListingVersion, Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.parties.models import Organization
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.order_quantities import Quantities, quantities_of
from marketplace.pricing.shapes import headline
from marketplace.pricing.tier_price import better_at_tier, partner_quantities
from marketplace.relations.partner_models import PartnerLink
from marketplace.relations.tier_prices import PartnerPrice, partner_prices
from orders.order_sheets.sheet_rows import code_key

MOST_OFFERED = 2_000
"""Plans in the list that a sheet is filled in from."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class OrderablePlan:
    """A plan on sale: what it is called, what a unit costs this buyer in minor units, in what numbers it orders it.

    `code`: the product's short name and the plan's code, as a sheet names it.
    """

    plan_id: UUID
    code: str
    plan_code: str
    listing_id: UUID
    kind: str
    seller_org_id: UUID
    seller_name: str
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    currency: str
    unit_price_minor: int
    list_unit_price_minor: int
    ordered: Quantities
    listed: PlanPrice
    named: PartnerPrice | None

    @property
    def keys(self) -> tuple[str, ...]:
        """How a line may name it: short name and code, the code alone where that is clear, or its id."""
        return code_key(self.code), code_key(self.plan_code), str(self.plan_id)


_on_sale: Any = (
    select(Plan, Listing.slug, Listing.kind, ListingVersion.title, ListingVersion.title_en, Organization.display_name)
    .join(Listing, Listing.current_version_id == Plan.version_id)
    .join(ListingVersion, ListingVersion.id == Plan.version_id)
    .join(Organization, Organization.id == Listing.org_id)
    .where(Plan.state == "active", Listing.state == "published", Organization.state == "active")
)
_SELLERS = Read(
    select(PartnerLink.seller_org_id).where(
        PartnerLink.buyer_org_id == bindparam("buyer_id", type_=Uuid),
        PartnerLink.state == literal_column("'accepted'"),
    )
)
_ORDERABLE = Read(
    _on_sale.where(
        or_(
            Listing.org_id == any_(bindparam("seller_ids", type_=ARRAY(Uuid))),
            Plan.id == any_(bindparam("plan_ids", type_=ARRAY(Uuid))),
        )
    ).order_by(Organization.display_name, Listing.slug, Plan.code, Plan.id)
)


def orderable_plans(uow: UnitOfWork, named: Iterable[str] = ()) -> list[OrderablePlan]:
    """By seller and code. `named`: keys of lines, of which those that are ids are looked up whoever sells them.

    Three statements, however many lines there are.
    """
    buyer_id = uow.principal.organization()
    seller_ids = sorted({row[0] if isinstance(row, tuple) else row for row in uow.fetch(_SELLERS, buyer_id=buyer_id)})
    plan_ids = sorted({UUID(one) for one in named if _UUID.fullmatch(one)})
    if not seller_ids and not plan_ids:
        return []
    rows = uow.fetch(_ORDERABLE, seller_ids=seller_ids, plan_ids=plan_ids)
    prices = partner_prices(uow, [row.Plan.id for row in rows], held=False) if seller_ids else {}
    return [_orderable(row, prices.get(row.Plan.id)) for row in rows]


def by_key(plans: Sequence[OrderablePlan]) -> dict[str, list[OrderablePlan]]:
    """What each way to name a plan may mean."""
    found: dict[str, list[OrderablePlan]] = {}
    for plan in plans:
        for key in dict.fromkeys(plan.keys):
            found.setdefault(key, []).append(plan)
    return found


def _orderable(row: Any, named: PartnerPrice | None) -> OrderablePlan:
    plan: Plan = row.Plan
    listed = plan_price(plan)
    ordered = partner_quantities(listed, named.figures) if named is not None else quantities_of(listed)
    own = better_at_tier(listed, named.figures, ordered.least) if named is not None else None
    return OrderablePlan(
        plan_id=plan.id,
        code=f"{row.slug}/{plan.code}",
        plan_code=plan.code,
        listing_id=plan.listing_id,
        kind=row.kind,
        seller_org_id=plan.org_id,
        seller_name=row.display_name,
        title=row.title or row.title_en,
        title_en=row.title_en or row.title,
        plan_name=plan.name or plan.name_en,
        plan_name_en=plan.name_en or plan.name,
        currency=plan.currency.strip(),
        unit_price_minor=headline(own or listed).unit_price_minor,
        list_unit_price_minor=plan.unit_price_minor,
        ordered=ordered,
        listed=listed,
        named=named,
    )
