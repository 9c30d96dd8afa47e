"""What the next term of a subscription costs: what was offered, or a partner's price, goes on for as long as its plan does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Plan
from marketplace.catalog.sellable import Sellable
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.shapes import MAX_SEATS, simple_price
from marketplace.relations.tier_prices import PartnerPrice, partner_prices
from orders.amendments.agreed_lines import agreed_lines
from orders.checkout.other_plan_price import price_of_other_plan
from orders.order.line_tier import LineTier
from orders.order.models import OrderLine, Subscription

AgreedLines = Mapping[tuple[UUID, str], OrderLine]
"""As `agreed_lines` finds them."""


@dataclass(frozen=True, slots=True)
class NextPrice:
    """What decides the amounts of a next term. `own`: it is not the plan's own price, but one that was offered or a partner's.

    `tier`: whose partner's price was agreed and goes on; `named`: whose it is from this term on.
    """

    price: PlanPrice
    own: bool = False
    tier: LineTier | None = None
    named: PartnerPrice | None = None


def next_price(
    uow: UnitOfWork, subscription: Subscription, first: OrderLine, plan: Plan | Sellable, quantity: int
) -> NextPrice:
    """What a next term with this plan is priced by. `first`: the line that the subscription began with.

    A partner's price at which the plan was bought, renewed or changed to goes on, also after the link has ended. Another plan
    is at the price of the buyer's tier now where the subscription was bought at one, else at its own.

    Locks: for another plan the buyer's links, shared.
    """
    if not first.plan.get("tier"):
        return price_among(subscription, first, plan, quantity, {}, {})
    agreed = agreed_lines(uow, [subscription.id])
    partner: dict[UUID, PartnerPrice] = {}
    if (subscription.id, _code(plan)) not in agreed:
        partner = partner_prices(uow, [_plan_id(plan)], subscription.buyer_org_id)
    return price_among(subscription, first, plan, quantity, agreed, partner)


def next_prices(uow: UnitOfWork, wanted: Sequence[tuple[Subscription, OrderLine, Plan, int]]) -> dict[UUID, NextPrice]:
    """The same of many subscriptions of the acting organization, by their ids; nothing is held."""
    at_tier = [one for one in wanted if one[1].plan.get("tier")]
    agreed = agreed_lines(uow, [one[0].id for one in at_tier])
    others = [plan.id for subscription, _, plan, _ in at_tier if (subscription.id, plan.code) not in agreed]
    partner = partner_prices(uow, others, held=False) if others else {}
    return {
        subscription.id: price_among(subscription, first, plan, quantity, agreed, partner)
        for subscription, first, plan, quantity in wanted
    }


def price_among(
    subscription: Subscription,
    first: OrderLine,
    plan: Plan | Sellable,
    quantity: int,
    agreed: AgreedLines,
    partner: Mapping[UUID, PartnerPrice],
) -> NextPrice:
    """What `next_price` says, of what was read. Pure."""
    last = agreed.get((subscription.id, _code(plan)), first)
    kept = kept_price(last, plan)
    if kept is not None:
        tier = last.plan.get("tier")
        return NextPrice(kept, own=True, tier=LineTier.model_validate(tier).kept if tier else None)
    other = price_of_other_plan(plan, quantity, partner)
    return NextPrice(other.price, own=other.named is not None, named=other.named)


def kept_price(agreed: OrderLine, plan: Plan | Sellable) -> PlanPrice | None:
    """The price that the plan is renewed at where a subscription was agreed on with an offer or a partner's price of it; None: at
    the plan's own. A partner's price goes on, too, after the link has ended that it was bought by.

    `agreed`: the line that said so. A plan that is now for another term or currency is another one.
    """
    if not (agreed.plan.get("offered") or agreed.plan.get("tier")) or agreed.plan["plan_code"] != _code(plan):
        return None
    if (agreed.interval, agreed.term_months, agreed.currency.strip()) != (
        plan.interval,
        plan.term_months,
        plan.currency.strip(),
    ):
        return None
    if agreed.price is not None:
        return PlanPrice.model_validate(agreed.price)
    return simple_price(agreed.pricing, agreed.interval, agreed.currency, agreed.unit_price_minor, 1, MAX_SEATS)


def _code(plan: Plan | Sellable) -> str:
    return plan.code if isinstance(plan, Plan) else plan.plan_code


def _plan_id(plan: Plan | Sellable) -> UUID:
    return plan.id if isinstance(plan, Plan) else plan.plan_id
