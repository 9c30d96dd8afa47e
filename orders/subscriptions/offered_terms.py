"""What was offered, or a partner's price, goes on for as long as the plan is renewed that it was bought for."""

from __future__ import annotations

from marketplace.catalog.models import Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.sellable import Sellable
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.shapes import MAX_SEATS, simple_price
from orders.order.models import OrderLine


def kept_price(first: OrderLine, plan: Plan | Sellable) -> PlanPrice | None:
    """The price that the plan is renewed at where a subscription began with an offer or a partner's price of it; None: at the
    plan's own. A partner's price goes on, too, after the link has ended that it was bought by.

    `first`: the line that the subscription began with. A plan that is now for another term or currency is another one.
    """
    if not (first.plan.get("offered") or first.plan.get("tier")) or first.plan["plan_code"] != (
        plan.code if isinstance(plan, Plan) else plan.plan_code
    ):
        return None
    if (first.interval, first.term_months, first.currency.strip()) != (
        plan.interval,
        plan.term_months,
        plan.currency.strip(),
    ):
        return None
    if first.price is not None:
        return PlanPrice.model_validate(first.price)
    return simple_price(first.pricing, first.interval, first.currency, first.unit_price_minor, 1, MAX_SEATS)


def price_next(first: OrderLine, plan: Plan | Sellable) -> PlanPrice:
    """What decides the amounts of a next term with this plan."""
    return kept_price(first, plan) or plan_price(plan)
