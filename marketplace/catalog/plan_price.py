"""The price of a plan, wherever the plan was read."""

from __future__ import annotations

from marketplace.catalog.models import Plan
from marketplace.catalog.queries import PlanView
from marketplace.catalog.sellable import Sellable
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.shapes import simple_price


def plan_price(plan: Plan | PlanView | Sellable) -> PlanPrice:
    """What decides the amounts of a plan: its price, or the headline that is all of it."""
    if plan.price is not None:
        return PlanPrice.model_validate(plan.price)
    return simple_price(
        plan.pricing, plan.interval, plan.currency, plan.unit_price_minor, plan.min_seats, plan.max_seats
    )
