"""What buyers and sellers are told of what recurs: that a term ends or renews, and that it is not paid for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from fulfillment.entitlements.events import DataRetentionEnds
from fulfillment.entitlements.models import Entitlement
from kernel.db.uow import UnitOfWork
from marketplace.access.models import Person
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from orders.checkout.quote_models import Quote
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.order.events import PaymentMethodChanged
from orders.order.models import Order, OrderLine, Subscription
from orders.subscriptions.events import (
    RenewalRefused,
    SubscriptionEnded,
    SubscriptionNoticed,
    SubscriptionPastDue,
    SubscriptionSuspended,
    TrialExtended,
)

_UNPAID = {"renewal_unpaid": "subscription_terminated", "usage_unpaid": "usage_terminated"}
"""Why a subscription was ended that nobody paid for, and what its buyer is told."""
Facts = dict[UUID, tuple[dict[str, str], str]]


@notifies_of(SubscriptionNoticed)
def subscription_noticed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns in time that it ends, or that it goes on and at what price."""
    facts = _facts(uow, events)
    wanted = [UUID(event.payload["quote_id"]) for event in events if event.payload["quote_id"]]
    prices = {row.id: row for row in uow.session.scalars(select(Quote).where(Quote.id.in_(wanted)))}
    for event in events:
        params, path = facts[event.uuid("subscription_id")]
        if event.payload.get("contract"):
            yield _to_buyer(event, "contract_ends", path, params)
            yield _to_seller(event, "customer_contract_ends", params)
            continue
        if not event.payload["quote_id"]:
            ends = "trial_ends" if event.payload.get("trial") else "subscription_ends"
            yield _to_buyer(event, ends, path, params)
            continue
        quote = prices[UUID(event.payload["quote_id"])]
        priced: Params = {**params, "amount_minor": quote.gross_minor, "currency": quote.currency}
        renews = "trial_converts" if event.payload.get("trial") else "subscription_renews"
        yield _to_buyer(event, renews, path, priced)


@notifies_of(TrialExtended)
def trial_extended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns that it is tried for longer."""
    facts = _facts(uow, events)
    for event in events:
        params, path = facts[event.uuid("subscription_id")]
        yield _to_buyer(event, "trial_extended", path, {**params, "extra_days": str(event.payload["days"])})


@notifies_of(RenewalRefused)
def renewal_refused(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Both sides learn that it ends though it was to go on."""
    facts = _facts(uow, events)
    for event in events:
        params, path = facts[event.uuid("subscription_id")]
        yield _to_buyer(event, "renewal_refused", path, params)
        yield _to_seller(event, "customer_renewal_refused", params)


@notifies_of(SubscriptionEnded)
def subscription_ended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns that it is over, and until when it could be used; where it was not paid, both sides, and more."""
    facts = _facts(uow, events)
    for event in events:
        params, path = facts[event.uuid("subscription_id")]
        unpaid = _UNPAID.get(event.payload["reason"])
        yield _to_buyer(event, unpaid or "subscription_ended", path, params)
        if unpaid is not None:
            yield _to_seller(event, "customer_terminated", params)


@notifies_of(PaymentMethodChanged)
def payment_method_changed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever looks after the buyer's money learns that other money is asked for it, but for who did it."""
    facts = _facts(uow, events)
    by = {event.uuid("changed_by") for event in events}
    names = {row.id: row.name for row in uow.session.execute(select(Person.id, Person.name).where(Person.id.in_(by)))}
    for event in events:
        params, _ = facts[event.uuid("subscription_id")]
        person_id = event.uuid("changed_by")
        said: Params = {**params, "changed_by": names[person_id]}
        yield NewNotification(
            event.id,
            event.at,
            "payment_method_changed",
            f"/subscriptions/{event.payload['subscription_id']}",
            said,
            org_id=event.uuid("buyer_org_id"),
            permission="billing.manage",
            but_not=person_id,
        )


@notifies_of(SubscriptionPastDue)
def subscription_past_due(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns that the renewal is not paid, and what follows; its seller, too."""
    facts = _facts(uow, events)
    for event in events:
        params, path = facts[event.uuid("subscription_id")]
        yield _to_buyer(event, "subscription_past_due", path, params)
        yield _to_seller(event, "customer_past_due", params)


@notifies_of(SubscriptionSuspended)
def subscription_suspended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Both sides learn that nobody may use it, and how it goes on."""
    facts = _facts(uow, events)
    for event in events:
        params, path = facts[event.uuid("subscription_id")]
        yield _to_buyer(event, "subscription_suspended", path, params)
        yield _to_seller(event, "customer_suspended", params)


@notifies_of(DataRetentionEnds)
def data_retention_ends(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may buy learns until when what is left with the seller can be asked for."""
    rows = uow.session.execute(
        select(Entitlement, Order.seller_name)
        .join(Order, Order.id == Entitlement.group_reference)
        .where(Entitlement.id.in_([event.uuid("entitlement_id") for event in events]))
    )
    found = {row.Entitlement.id: row for row in rows}
    for event in events:
        entitlement, seller_name = found[event.uuid("entitlement_id")]
        assert entitlement.data_kept_until is not None  # noqa: S101 - the event is about its coming near
        params = {
            "what": entitlement.title,
            "what_en": entitlement.title_en,
            "seller": seller_name,
            "day": _day(entitlement.data_kept_until, entitlement),
        }
        yield _to_buyer(event, "data_kept_ends", f"/entitlements/{entitlement.id}", params)


def _to_buyer(event: RecordedEvent, kind: str, path: str, params: Params) -> NewNotification:
    return NewNotification(
        event.id, event.at, kind, path, params, org_id=event.uuid("buyer_org_id"), permission="orders.buy"
    )


def _to_seller(event: RecordedEvent, kind: str, params: Params) -> NewNotification:
    customer = f"/seller/customers/{event.payload['buyer_org_id']}"
    return NewNotification(
        event.id, event.at, kind, customer, params, org_id=event.uuid("seller_org_id"), permission="catalog.write"
    )


def _facts(uow: UnitOfWork, events: Collection[RecordedEvent]) -> Facts:
    """What is said of each subscription, and its page, by its id."""
    rows = uow.session.execute(
        select(Subscription, OrderLine, Order, Entitlement)
        .join(OrderLine, OrderLine.id == Subscription.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Entitlement, Entitlement.reference == OrderLine.id)
        .where(Subscription.id.in_([event.uuid("subscription_id") for event in events]))
    )
    return {
        subscription.id: (
            {
                "what": line.plan["title"],
                "what_en": line.plan["title_en"],
                "seller": order.seller_name,
                "buyer": order.buyer_name,
                "day": _day(subscription.ends_at, entitlement),
                # What nothing was said of is kept for no day longer.
                "kept_until": _day(entitlement.data_kept_until or entitlement.valid_to, entitlement),
            },
            f"/entitlements/{entitlement.id}",
        )
        for subscription, line, order, entitlement in rows
    }


def _day(at: datetime | None, entitlement: Entitlement) -> str:
    return at.astimezone(ZoneInfo(entitlement.time_zone)).date().isoformat() if at is not None else ""
