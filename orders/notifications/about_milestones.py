"""What buyers and sellers are told of services that are delivered in milestones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.milestones.events import (
    MilestoneAcceptanceNear,
    MilestoneAccepted,
    MilestoneCancelled,
    MilestoneDelivered,
    MilestoneOverdue,
    MilestoneReworkAsked,
    ServiceOrdered,
    ServiceTakenOn,
)
from orders.notifications.about_orders import orders_of
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.order.milestones import OrderMilestone
from orders.order.models import Order, OrderLine

DELIVERS = "runs.replay"
"""Whoever sees to deliveries at the seller."""


@notifies_of(ServiceOrdered)
def service_ordered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller has to say whether it takes the order on."""
    for event, params in _orders(uow, events):
        yield _to_seller(event, "service_ordered", params)


@notifies_of(ServiceTakenOn)
def service_taken_on(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer learns that it was taken on."""
    for event, params in _orders(uow, events):
        yield _to_buyer(event, "service_taken_on", params)


@notifies_of(MilestoneDelivered)
def milestone_delivered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer is to look at it, and learns when the clock accepts it."""
    for event, params in _milestones(uow, events):
        yield _to_buyer(event, "milestone_delivered", params)


@notifies_of(MilestoneAcceptanceNear)
def milestone_acceptance_near(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer learns once more, two days before."""
    for event, params in _milestones(uow, events):
        yield _to_buyer(event, "milestone_acceptance_near", params)


@notifies_of(MilestoneReworkAsked)
def milestone_rework_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller has to do it again; what, stands beside the milestone."""
    for event, params in _milestones(uow, events):
        yield _to_seller(event, "milestone_rework_asked", params)


@notifies_of(MilestoneAccepted)
def milestone_accepted(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller learns that its money comes; the buyer, where the clock has accepted."""
    for event, params in _milestones(uow, events):
        yield _to_seller(event, "milestone_accepted", params)
        if event.payload["by_clock"]:
            yield _to_buyer(event, "milestone_accepted_by_clock", params)


@notifies_of(MilestoneOverdue)
def milestone_overdue(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Both sides learn that it is late, and what follows."""
    for event, params in _milestones(uow, events):
        yield _to_seller(event, "milestone_overdue", params)
        yield _to_buyer(event, "milestone_late", params)


@notifies_of(MilestoneCancelled)
def milestone_cancelled(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Both sides learn that it ends, and that its money goes back."""
    for event, params in _milestones(uow, events):
        yield _to_seller(event, "milestone_lost", params)
        yield _to_buyer(event, "milestone_cancelled", params)


def _to_buyer(event: RecordedEvent, kind: str, params: Params) -> NewNotification:
    path, org_id = f"/orders/{event.payload['order_id']}", event.uuid("buyer_org_id")
    return NewNotification(event.id, event.at, kind, path, params, org_id=org_id, permission="orders.buy")


def _to_seller(event: RecordedEvent, kind: str, params: Params) -> NewNotification:
    path, org_id = f"/seller/services/{event.payload['order_id']}", event.uuid("seller_org_id")
    return NewNotification(event.id, event.at, kind, path, params, org_id=org_id, permission=DELIVERS)


def _orders(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, Params]]:
    found = orders_of(uow, {event.uuid("order_id") for event in events})
    zones = _zones(uow, events)
    for event in events:
        facts = found[event.uuid("order_id")]
        until = facts.order.deadline_at or event.at
        yield event, {**facts.params, "day": _day(until, zones[str(facts.order.seller_org_id)])}


def _milestones(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, Params]]:
    rows = uow.session.execute(
        select(OrderMilestone, Order, OrderLine.plan)
        .join(Order, Order.id == OrderMilestone.order_id)
        .join(OrderLine, OrderLine.id == OrderMilestone.order_line_id)
        .where(OrderMilestone.id.in_([event.uuid("milestone_id") for event in events]))
    )
    found = {one.id: (one, order, plan) for one, order, plan in rows}
    zones = _zones(uow, events)
    for event in events:
        one, order, plan = found[event.uuid("milestone_id")]
        yield (
            event,
            {
                "what": plan["title"],
                "what_en": plan["title_en"],
                "milestone": one.name or one.name_en or one.code,
                "milestone_en": one.name_en or one.name or one.code,
                "number": order.number,
                "buyer": order.buyer_name,
                "seller": order.seller_name,
                "amount_minor": one.gross_minor,
                "currency": one.currency.strip(),
                "day": _day(one.deadline_at or one.accepted_at or event.at, zones[str(order.buyer_org_id)]),
            },
        )


def _zones(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[str, str]:
    """Where the organizations of the events keep their calendars."""
    wanted = {event.uuid(name) for event in events for name in ("buyer_org_id", "seller_org_id")}
    rows = uow.session.execute(select(Organization.id, Organization.time_zone).where(Organization.id.in_(wanted)))
    return {str(org_id): zone for org_id, zone in rows}


def _day(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).date().isoformat()
