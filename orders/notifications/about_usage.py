"""What buyers and sellers are told of metered usage: thresholds, caps, and lines that are questioned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from fulfillment.usage.events import UsageAlerted, UsageChallengeAnswered, UsageChallenged
from fulfillment.usage.models import MeteredTerms, UsageChallenge, UsageLine, UsagePeriod
from fulfillment.usage.terms import names_in
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.order.models import Order, OrderLine
from orders.usage.events import UsageCharged, UsageUnpaid

_KINDS = {"included": "usage_alerted", "soft": "usage_cap_met", "hard": "usage_cap_stops"}


@notifies_of(UsageAlerted)
def usage_alerted(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns how much of a period's included amount is used, or that a cap of their own is reached."""
    ids = [event.uuid("entitlement_id") for event in events]
    found = {row.id: row for row in uow.session.scalars(select(Entitlement).where(Entitlement.id.in_(ids)))}
    prices = _prices_of(uow, [event.uuid("period_id") for event in events])
    for event in events:
        entitlement = found[event.uuid("entitlement_id")]
        name, name_en = names_in(prices[event.uuid("period_id")], str(event.payload["dimension"]))
        said = {"dimension": name, "dimension_en": name_en, "percent": str(event.payload["percent"])}
        yield _to_buyer(event, _KINDS[event.payload["of"]], entitlement, said)


@notifies_of(UsageChallenged)
def usage_challenged(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever answers for the seller's products learns that a customer questions a line."""
    for event, entitlement in _challenges(uow, events):
        yield NewNotification(
            event.id,
            event.at,
            "usage_questioned",
            "/seller/usage",
            {**_params(entitlement), "buyer": str(entitlement.context["organization"]["name"])},
            org_id=entitlement.seller_org_id,
            permission="catalog.write",
        )


@notifies_of(UsageChallengeAnswered)
def usage_challenge_answered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns what the seller decided."""
    for event, entitlement in _challenges(uow, events):
        kind = "usage_corrected" if event.payload["outcome"] == "corrected" else "usage_confirmed"
        yield _to_buyer(event, kind, entitlement, {})


@notifies_of(UsageCharged)
def usage_charged(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns what a period came to, and where it says how."""
    return _orders(uow, events, "usage_charged")


@notifies_of(UsageUnpaid)
def usage_unpaid(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns that it is not paid, and what follows."""
    return _orders(uow, events, "usage_unpaid")


def _prices_of(uow: UnitOfWork, period_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    rows = uow.session.execute(
        select(UsagePeriod.id, MeteredTerms.price)
        .join(MeteredTerms, MeteredTerms.id == UsagePeriod.terms_id)
        .where(UsagePeriod.id.in_(period_ids))
    )
    return {row.id: row.price for row in rows}


def _orders(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    rows = uow.session.execute(
        select(Order, OrderLine, UsagePeriod.ends_at, Entitlement.time_zone)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(UsagePeriod, UsagePeriod.id == Order.usage_period_id)
        .join(Entitlement, Entitlement.id == UsagePeriod.entitlement_id)
        .where(Order.id.in_([event.uuid("order_id") for event in events]))
    )
    found = {row.Order.id: row for row in rows}
    for event in events:
        order, line, ends_at, time_zone = found[event.uuid("order_id")]
        params: Params = {
            "what": line.plan["title"],
            "what_en": line.plan["title_en"],
            "day": ends_at.astimezone(ZoneInfo(time_zone)).date().isoformat(),
            "amount_minor": order.gross_minor,
            "currency": order.currency.strip(),
        }
        path = f"/orders/{order.id}"
        yield NewNotification(
            event.id, event.at, kind, path, params, org_id=order.buyer_org_id, permission="orders.buy"
        )


def _challenges(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, Entitlement]]:
    rows = uow.session.execute(
        select(UsageChallenge.id, Entitlement)
        .join(UsageLine, UsageLine.id == UsageChallenge.line_id)
        .join(UsagePeriod, UsagePeriod.id == UsageLine.period_id)
        .join(Entitlement, Entitlement.id == UsagePeriod.entitlement_id)
        .where(UsageChallenge.id.in_([event.uuid("challenge_id") for event in events]))
    )
    found: Mapping[UUID, Entitlement] = {row.id: row.Entitlement for row in rows}
    return [(event, found[event.uuid("challenge_id")]) for event in events]


def _to_buyer(event: RecordedEvent, kind: str, entitlement: Entitlement, said: Params) -> NewNotification:
    return NewNotification(
        event.id,
        event.at,
        kind,
        f"/entitlements/{entitlement.id}/usage",
        {**_params(entitlement), **said},
        org_id=entitlement.buyer_org_id,
        permission="orders.buy",
    )


def _params(entitlement: Entitlement) -> dict[str, str]:
    return {"what": entitlement.title, "what_en": entitlement.title_en}
