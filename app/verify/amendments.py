"""Changes of subscriptions within their terms: what they cost is what was frozen with the term, and the other plan's price."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.verify.rule import Example, Reading
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.pricing.components import PlanPrice
from orders.amendments.amendment_price import Agreed, off, rest_of_term_minor
from orders.amendments.models import Amendment
from orders.amendments.subscribed import line_price
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.order.instalments import whole_minor
from orders.order.models import Order, OrderLine, SubscriptionTerm

NEARLY_MINOR = 1
"""The instant of the price is read once before the quote's own: it may round to the next minor unit."""
_paid = aliased(OrderLine)
_of_term, _of_change = aliased(Plan), aliased(Plan)


def _otherwise_priced(uow: UnitOfWork) -> Iterator[Example]:
    """Changes of plan, priced again by what was frozen with their term."""
    rows = uow.session.execute(
        select(Amendment, OrderLine, _of_change, Quote.created_at, SubscriptionTerm, _paid, _of_term)
        .join(OrderLine, OrderLine.id == Amendment.order_line_id)
        .join(_of_change, _of_change.id == Amendment.plan_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .join(Quote, Quote.id == Purchase.quote_id)
        .join(
            SubscriptionTerm,
            (SubscriptionTerm.subscription_id == Amendment.subscription_id)
            & (SubscriptionTerm.starts_at <= Quote.created_at)
            & (SubscriptionTerm.ends_at >= Amendment.ends_at)
            & (SubscriptionTerm.revoked_at.is_(None) | (SubscriptionTerm.revoked_at > Quote.created_at)),
        )
        .join(_paid, _paid.id == SubscriptionTerm.order_line_id)
        .join(_of_term, _of_term.id == _paid.plan_id)
        .where(Amendment.price.is_not(None))
        .order_by(Amendment.id, SubscriptionTerm.number)
        .execution_options(yield_per=500)
    )
    for change, line, plan, at, term, paid, sold in rows:
        own = PlanPrice.model_validate(change.price)
        # A partner's price is held against its tier's figures by `partners.rated`.
        is_named = bool(line.plan.get("tier"))
        is_frozen = line.price is not None and PlanPrice.model_validate(line.price) == own
        if change.price_before is not None:
            before = Agreed(PlanPrice.model_validate(change.price_before), change.quantity_before)
        else:
            part = off(whole_minor(paid, "discount"), whole_minor(paid, "list"))
            before = Agreed(line_price(paid, sold), change.quantity_before, part)
        after = Agreed(own, change.quantity)
        costs = rest_of_term_minor(
            before, after, term.starts_at, change.ends_at, at, priced_until=term.priced_until or term.ends_at
        )
        is_priced = abs(line.list_minor - costs) <= NEARLY_MINOR
        if not (is_frozen and is_priced and (is_named or own == plan_price(plan))):
            yield {"amendment_id": str(change.id), "list_minor": line.list_minor, "again_minor": costs}


CHANGE_PRICED = Reading(
    "subscriptions.change_priced",
    "更换规格的变更：金额等于本期剩余时间内新旧价格之差；新价为该规格的目录价，或所列等级的伙伴价。",
    "A change of plan costs the difference of both prices for the rest of its term; the new one is the plan's, or its tier's.",
    _otherwise_priced,
)

RULES = (CHANGE_PRICED,)
