"""A closed period of usage is paid for as a renewal is: by an order of its own, by what paid for the subscription."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.tax.line_amounts import line_amounts
from fulfillment.entitlements.models import Entitlement
from fulfillment.usage.invoice_period import PeriodToPay, invoice_period
from fulfillment.usage.models import UsagePeriod
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.jobs.outbox import emit
from marketplace.parties import lookups
from marketplace.pricing.components import PlanPrice
from orders.checkout.approval_reasons import Needed
from orders.checkout.line_tax import decide_tax, invoice_party
from orders.checkout.models import Purchase
from orders.checkout.order_rows import profile_as_kept
from orders.checkout.owed_quote import owed_quote
from orders.checkout.priced_line import InvoiceParty, PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.request_payment import request_payment
from orders.checkout.selling import sale_parties, sold_by
from orders.order.models import Order, OrderLine, Subscription, SubscriptionTerm
from orders.subscriptions.renew import BoughtByHand, copy_sale_terms, invoiced_to, place_next_term
from orders.subscriptions.schedule import RENEWS_BEFORE, TERMINATED_AFTER
from orders.usage.dunning import next_try_at
from orders.usage.events import UsageCharged


def charge_usage(uow: UnitOfWork, period_id: UUID) -> UUID | None:
    """Place the order of a closed period and ask for its money. Returns its id; None where there is nothing to be paid.

    Its amounts are those of the period's lines less what was credited, its tax that of the day. Who gets what of it, and to
    which video it is owed, is as in the sale that began the subscription. It asks no approver: the price was agreed to
    with the subscription, and a cap holds the amount. What never became a subscription is charged to nobody.

    Locks: the period, its credits. Emits: UsageCharged. Idempotent by the period: one order at most names it.
    """
    row = uow.session.execute(
        select(Subscription, Order)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Entitlement, Entitlement.reference == Subscription.order_line_id)
        .join(UsagePeriod, UsagePeriod.entitlement_id == Entitlement.id)
        .where(UsagePeriod.id == period_id)
    ).first()
    if row is None:
        return None
    period = invoice_period(uow, period_id)
    if period is None:
        return None
    subscription, began = row
    first, now = uow.session.get_one(Purchase, began.purchase_id), clock.now()
    buyer, profile = _invoiced(uow, first)
    priced = _line(uow, _sold(uow, subscription, period), buyer, period)
    how = BoughtByHand(
        first.gateway,
        first.method_token,
        first.requested_by,
        now + RENEWS_BEFORE + TERMINATED_AFTER,
        Needed(),
        usage_period_id=period_id,
        next_try_at=next_try_at(now, after=now),
        billing_profile=profile,
    )
    purchase, order = place_next_term(
        uow, subscription, began, first, owed_quote(uow, priced, buyer, subscription.buyer_org_id), how
    )
    copy_sale_terms(uow, order, subscription.order_line_id)
    emit(
        uow,
        UsageCharged(
            order_id=order.id,
            subscription_id=subscription.id,
            period_id=period_id,
            buyer_org_id=order.buyer_org_id,
            seller_org_id=order.seller_org_id,
        ),
    )
    request_payment(uow, purchase, [order])
    return order.id


def _invoiced(uow: UnitOfWork, first: Purchase) -> tuple[InvoiceParty, dict[str, Any]]:
    """Whom a renewal would be invoiced to, else as the first purchase was: what was used is owed by whoever bought it."""
    try:
        title = lookups.get_billing_profile(uow, invoiced_to(uow, first))
    except DomainError:
        kept = first.billing_profile
        named = {name: kept.get(name) for name in ("legal_name", "country", "tax_id", "registered_in")}
        return InvoiceParty.model_validate({"billing_profile_id": kept["id"], **named}), kept
    return invoice_party(title), profile_as_kept(title)


def _sold(uow: UnitOfWork, subscription: Subscription, period: PeriodToPay) -> PricedLine:
    """What was bought for the term that the period falls into, as it was priced then; before the first one, the first."""
    paid = uow.session.execute(
        select(OrderLine.plan_id, Quote.lines)
        .join(SubscriptionTerm, SubscriptionTerm.order_line_id == OrderLine.id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .join(Quote, Quote.id == Purchase.quote_id)
        .where(SubscriptionTerm.subscription_id == subscription.id)
        .order_by((SubscriptionTerm.starts_at <= period.starts_at).desc(), SubscriptionTerm.number.desc())
        .limit(1)
    ).one()
    lines = [PricedLine.model_validate(one) for one in paid.lines]
    return next(one.whole for one in lines if one.plan_id == paid.plan_id)


def _line(uow: UnitOfWork, sold: PricedLine, buyer: InvoiceParty, period: PeriodToPay) -> PricedLine:
    """The period as a line: its price is what of the plan's decides usage, its parts are the period's lines."""
    parties, now = sale_parties(uow, sold.selling_model, sold.seller_org_id), clock.now()
    decision = decide_tax(
        parties.issuer, buyer, sold.taxed_as, now, included=sold.tax_included, untaxed=sold.untaxed_price
    )
    amounts = line_amounts(period.amount_minor, 0, decision)
    used = tuple(one for one in period.price.components if one.kind in ("metered", "commitment"))
    price = PlanPrice(
        currency=period.price.currency,
        interval=period.price.interval,
        term_months=period.price.term_months,
        components=used,
    )
    return sold.model_copy(
        update={
            "seller_name": parties.seller.legal_name,
            **sold_by(parties, sold.taxed_as, now),
            "quantity": 1,
            "pricing": "mixed",
            "interval": price.interval,
            "unit_price_minor": period.amount_minor,
            "price": price.model_dump(mode="json"),
            "price_lines": list(period.lines),
            "list_minor": amounts.list_minor,
            "discount_minor": amounts.discount_minor,
            "net_minor": amounts.net_minor,
            "tax_minor": amounts.tax_minor,
            "gross_minor": amounts.gross_minor,
            "tax_rate_ppm": decision.rate_ppm,
            "tax_category": decision.category,
            "tax_reason": decision.reason_code,
            "home_rate_ppm": decision.home_rate_ppm,
            # What was used cannot be given back: a line that is not right is questioned.
            "refund_window_days": 0,
            "claims": [],
            "tier": sold.tier.kept if sold.tier is not None else None,
            "trial": None,
            # A coupon takes off what is bought ahead, nothing of what was used.
            "coupon_id": None,
            "coupon": "",
            "coupon_ppm": None,
            "instalments": [],
        }
    )
