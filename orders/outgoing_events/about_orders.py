"""What both sides are told of orders, entitlements, subscriptions and requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.models import ENTITLEMENT, Entitlement
from kernel.db.uow import UnitOfWork
from marketplace.leads.events import LeadArrived
from marketplace.leads.models import Lead
from orders.checkout.quote_models import Quote
from orders.order.models import ORDER, SUBSCRIPTION, Order, OrderLine, SaleTerms, Subscription
from orders.outgoing_events.event_data import (
    BoughtOrderData,
    GivenEntitlementData,
    HeldEntitlementData,
    LeadData,
    MoneyData,
    OrderLineData,
    PartyData,
    RenewalRefusedData,
    RenewalToldData,
    RenewedData,
    SoldLineData,
    SoldOrderData,
    SubscriptionData,
)
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_event, tells_of_states
from orders.subscriptions.events import RenewalRefused, SubscriptionNoticed, SubscriptionRenewed

BUYERS_OWN = frozenset(
    {"order.awaiting_approval", "order.placed", "order.rejected", "order.expired", "order.cancelled"}
)
"""An order is its seller's business from its payment on."""


def tell_orders(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Orders, with their lines."""
    wanted = [fact.subject_id for fact in facts]
    orders = {row.id: row for row in uow.session.scalars(select(Order).where(Order.id.in_(wanted)))}
    lines: dict[UUID, list[tuple[OrderLine, int]]] = defaultdict(list)
    rows = (
        select(OrderLine, SaleTerms.commission_ppm)
        .join(SaleTerms, SaleTerms.order_line_id == OrderLine.id)
        .where(OrderLine.order_id.in_(wanted))
        .order_by(OrderLine.id)
    )
    for line, commission_ppm in uow.session.execute(rows):
        lines[line.order_id].append((line, commission_ppm))
    for fact in facts:
        order, sold = orders[fact.subject_id], lines[fact.subject_id]
        common = _amounts(order) | {
            "order_id": order.id,
            "number": order.number,
            "purchase_id": order.purchase_id,
            "subscription_id": order.subscription_id,
            "usage_period_id": order.usage_period_id,
            "instalment_id": order.instalment_id,
        }
        seller = PartyData(id=order.seller_org_id, name=order.seller_name)
        bought = [OrderLineData(**_line(line)) for line, _ in sold]
        yield Addressed(
            fact,
            order.buyer_org_id,
            BoughtOrderData(**common, seller=seller, po_number=order.po_number, lines=bought),
        )
        if fact.type in BUYERS_OWN:
            continue
        buyer = PartyData(id=order.buyer_org_id, name=order.buyer_name)
        given = [SoldLineData(**_line(line), commission_ppm=commission_ppm) for line, commission_ppm in sold]
        yield Addressed(fact, order.seller_org_id, SoldOrderData(**common, buyer=buyer, lines=given))


def tell_entitlements(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """What is given: the buyer learns where it opens, the seller which tenant it is."""
    wanted = select(Entitlement).where(Entitlement.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        common: dict[str, Any] = {
            "entitlement_id": row.id,
            "order_id": row.group_reference,
            "order_line_id": row.reference,
            "listing_id": row.listing_id,
            "plan_id": row.plan_id,
            "title": row.title,
            "title_en": row.title_en,
            "seats": row.seats,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
        }
        held = HeldEntitlementData(
            **common, seller_id=row.seller_org_id, launch_url=row.launch_url if row.end_customer_id is None else None
        )
        yield Addressed(fact, row.buyer_org_id, held)
        given = GivenEntitlementData(**common, buyer_id=row.buyer_org_id, external_id=row.external_id)
        yield Addressed(fact, row.seller_org_id, given)


def tell_subscriptions(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """What recurs: both sides are told the same."""
    wanted = select(Subscription).where(Subscription.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    quoted = [UUID(fact.payload["quote_id"]) for fact in facts if fact.payload.get("quote_id")]
    prices = {row.id: row for row in uow.session.scalars(select(Quote).where(Quote.id.in_(quoted)))}
    for fact in facts:
        row = found[fact.subject_id]
        common: dict[str, Any] = {
            "subscription_id": row.id,
            "order_line_id": row.order_line_id,
            "buyer_id": row.buyer_org_id,
            "seller_id": row.seller_org_id,
            "quantity": row.quantity,
            "ends_at": row.ends_at,
            "auto_renew": row.auto_renew,
        }
        data = SubscriptionData(**common)
        if fact.type == "subscription.renewal_told":
            quote = prices.get(UUID(fact.payload["quote_id"])) if fact.payload["quote_id"] else None
            price = MoneyData(amount=quote.gross_minor, currency=quote.currency) if quote else None
            data = RenewalToldData(**common, days=fact.payload["days"], renews_at=price)
        elif fact.type == "subscription.renewal_refused":
            data = RenewalRefusedData(**common, reason=fact.payload["reason"])
        elif fact.type == "subscription.renewed":
            data = RenewedData(**common, order_id=fact.uuid("order_id"))
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


def tell_leads(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """Requests: who asked and for what, without anybody's address or number."""
    wanted = select(Lead).where(Lead.id.in_([fact.subject_id for fact in facts]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for fact in facts:
        row = found[fact.subject_id]
        data = LeadData(
            lead_id=row.id,
            kind=row.kind,
            listing_id=row.listing_id,
            plan_id=row.plan_id,
            quantity=row.quantity,
            buyer_id=row.buyer_org_id,
            buyer_name=row.buyer_name,
            seller_id=row.seller_org_id,
        )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


def _amounts(row: Order | OrderLine) -> dict[str, Any]:
    return {
        "net": MoneyData(amount=row.net_minor, currency=row.currency),
        "tax": MoneyData(amount=row.tax_minor, currency=row.currency),
        "gross": MoneyData(amount=row.gross_minor, currency=row.currency),
    }


def _line(line: OrderLine) -> dict[str, Any]:
    return _amounts(line) | {
        "id": line.id,
        "listing_id": line.listing_id,
        "plan_id": line.plan_id,
        "title": line.plan["title"],
        "title_en": line.plan["title_en"],
        "quantity": line.quantity,
    }


tells_of_states(
    ORDER,
    tell_orders,
    pending_approval="order.awaiting_approval",
    pending_payment="order.placed",
    paid="order.paid",
    active="order.active",
    completed="order.completed",
    delivery_failed="order.delivery_failed",
    refunded="order.refunded",
    rejected="order.rejected",
    expired="order.expired",
    cancelled="order.cancelled",
)
tells_of_states(
    ENTITLEMENT,
    tell_entitlements,
    pending="entitlement.pending",
    active="entitlement.active",
    suspended="entitlement.suspended",
    ended="entitlement.ended",
)
tells_of_states(
    SUBSCRIPTION,
    tell_subscriptions,
    began_active="subscription.started",
    active="subscription.recovered",
    past_due="subscription.past_due",
    ended="subscription.ended",
)
tells_of_event(SubscriptionNoticed, tell_subscriptions, "subscription.renewal_told")
tells_of_event(RenewalRefused, tell_subscriptions, "subscription.renewal_refused")
tells_of_event(SubscriptionRenewed, tell_subscriptions, "subscription.renewed")
tells_of_event(LeadArrived, tell_leads, "lead.created")
