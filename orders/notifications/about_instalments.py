"""What whoever pays a term in instalments is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from orders.instalments.events import InstalmentNoticed
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.order.instalments import Instalment
from orders.order.models import Order, OrderLine
from orders.usage.events import InstalmentUnpaid


@notifies_of(InstalmentNoticed)
def instalment_noticed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns a week before what will be charged; nothing of one that was cancelled meanwhile."""
    rows = uow.session.execute(
        select(Instalment, OrderLine.plan, Entitlement.time_zone)
        .join(OrderLine, OrderLine.id == Instalment.order_line_id)
        .join(Entitlement, Entitlement.reference == OrderLine.id, isouter=True)
        .where(Instalment.id.in_([event.uuid("instalment_id") for event in events]))
    )
    found = {row.Instalment.id: row for row in rows}
    for event in events:
        row, plan, time_zone = found[event.uuid("instalment_id")]
        if row.state == "cancelled":
            continue
        yield NewNotification(
            event.id,
            event.at,
            "instalment_near",
            f"/subscriptions/{row.subscription_id}",
            {
                "what": plan["title"],
                "what_en": plan["title_en"],
                "day": row.due_at.astimezone(ZoneInfo(time_zone or "UTC")).date().isoformat(),
                "amount_minor": row.gross_minor,
                "currency": row.currency.strip(),
            },
            org_id=row.buyer_org_id,
            permission="orders.buy",
        )


@notifies_of(InstalmentUnpaid)
def instalment_unpaid(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns that it is not paid, and what follows."""
    rows = uow.session.execute(
        select(Order, OrderLine.plan)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.id.in_([event.uuid("order_id") for event in events]))
    )
    found = {row.Order.id: row for row in rows}
    for event in events:
        order, plan = found[event.uuid("order_id")]
        yield NewNotification(
            event.id,
            event.at,
            "instalment_unpaid",
            f"/orders/{order.id}",
            {
                "what": plan["title"],
                "what_en": plan["title_en"],
                "amount_minor": order.gross_minor,
                "currency": order.currency.strip(),
            },
            org_id=order.buyer_org_id,
            permission="orders.buy",
        )
