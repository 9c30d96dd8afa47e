"""What another plan costs whoever changes to it: at a partner's price where the subscription was bought at one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.sellable import Sellable
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.order_quantities import Quantities
from marketplace.pricing.shapes import MAX_SEATS
from marketplace.pricing.tier_price import better_at_tier, partner_quantities
from marketplace.relations.tier_prices import PartnerPrice, partner_prices
from orders.order.line_tier import LineTier
from orders.order.models import OrderLine


@dataclass(frozen=True, slots=True)
class OtherPlanPrice:
    """The price of a plan, and whose partner's price it is; `named` None: its own."""

    price: PlanPrice
    named: PartnerPrice | None = None


def price_of_other_plan(plan: Plan | Sellable, quantity: int, partner: Mapping[UUID, PartnerPrice]) -> OtherPlanPrice:
    """At the price of the tier that its buyer is in now, where that has one for it that is no higher; else at its own. Pure."""
    published = plan_price(plan)
    named = partner.get(plan.id if isinstance(plan, Plan) else plan.plan_id)
    own = better_at_tier(published, named.figures, quantity) if named is not None else None
    return OtherPlanPrice(published) if own is None else OtherPlanPrice(own, named)


def quantities_at(plan: Plan | Sellable, named: PartnerPrice | None, kept: LineTier | None) -> Quantities:
    """In what numbers a change orders a plan by a tier's terms: those of `named`, whose price it is at, or those that were `kept`
    with what was bought; any number where there are none, as its price says what the plan is sold in. Pure.
    """
    if named is not None:
        return partner_quantities(plan_price(plan), named.figures)
    if kept is not None:
        return Quantities(kept.min_quantity, kept.quantity_step, MAX_SEATS)
    return Quantities(most=MAX_SEATS)


def prices_of_partner(uow: UnitOfWork, first: OrderLine, plan_ids: Sequence[UUID]) -> dict[UUID, PartnerPrice]:
    """What these plans cost the buyer of a subscription that began with `first` as a partner: nothing of one that was bought at
    the plan's own price, or whose link has ended.

    Locks: the buyer's links, shared: one that ends does so before, or finds the quote.
    """
    return partner_prices(uow, plan_ids, first.buyer_org_id) if first.plan.get("tier") else {}
