"""What buyers and sellers are told of purchases, orders and their delivery."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from billing.payments.events import PaymentFailed, PaymentNeedsAction
from billing.payments.models import Payment
from fulfillment.entitlements.events import DeliveryFailed
from kernel.db.uow import UnitOfWork
from marketplace.access.models import Person
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from orders.amendments.events import ChangeLapsed
from orders.amendments.models import Amendment
from orders.approval_rules.deputies import deputies_in
from orders.approval_rules.steps import ANY_APPROVER, PERMISSIONS, Candidate, steps_from
from orders.checkout.models import Approval, Purchase
from orders.notifications.about_payers import method_failed
from orders.notifications.notifiers import RecordedEvent, notifies_of
from orders.order.events import (
    ApprovalRequested,
    OrderActivated,
    OrderDeliveryFailed,
    OrderPaid,
    PurchaseApproved,
    PurchaseCancelled,
    PurchaseExpired,
    PurchaseRejected,
)
from orders.order.models import Order, OrderLine

_PAID = {
    None: ("order_paid", "order_received"),
    "renewal": ("renewal_paid", "renewal_received"),
    "change": ("change_paid", "change_received"),
    "usage": ("usage_paid", "usage_received"),
    "instalment": ("instalment_paid", "instalment_received"),
}
"""What the buyer and the seller are told of an order's money, by what of a subscription it is for."""
_FAILED: dict[str | None, tuple[str, str | None]] = {
    None: ("delivery_failed", None),
    "renewal": ("renewal_failed", "renewal_not_made"),
    "change": ("change_failed", "change_not_made"),
}
"""And of what was not delivered."""
_Purchases = dict[UUID, tuple[Purchase, Params, dict[UUID | None, str]]]
"""By id: the purchase, what is said of it, and the names of those who asked."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What is said of an order, and who asked for it."""

    order: Order
    requested_by: UUID | None
    params: Params
    of_subscription: str | None = None
    """What of a subscription it pays for: `renewal`, `change`, `usage` or `instalment`; None where it begins something."""

    @property
    def path(self) -> str:
        """Its page, for the buyer."""
        return f"/orders/{self.order.id}"


def orders_of(uow: UnitOfWork, order_ids: Collection[UUID]) -> dict[UUID, OrderFacts]:
    """By id, in two statements."""
    rows = uow.session.execute(
        select(Order, Purchase.requested_by)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .where(Order.id.in_(order_ids))
    ).all()
    titles = _titles(uow, OrderLine.order_id.in_(order_ids))
    further = [order.id for order, _ in rows if order.subscription_id is not None]
    changing = select(OrderLine.order_id).join(Amendment, Amendment.order_line_id == OrderLine.id)
    changes = set(uow.session.scalars(changing.where(OrderLine.order_id.in_(further)))) if further else set()
    return {
        order.id: OrderFacts(
            order,
            requested_by,
            {
                "number": order.number,
                "seller": order.seller_name,
                "buyer": order.buyer_name,
                "amount_minor": order.gross_minor,
                "currency": order.currency,
                **titles[order.id],
            },
            _of_subscription(order, changes),
        )
        for order, requested_by in rows
    }


def _of_subscription(order: Order, changes: Collection[UUID]) -> str | None:
    if order.subscription_id is None:
        return None
    if order.usage_period_id is not None:
        return "usage"
    if order.instalment_id is not None:
        return "instalment"
    return "change" if order.id in changes else "renewal"


@notifies_of(ApprovalRequested)
def approval_requested(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may take the step, and who stands in for them, is asked, as long as the purchase waits for it."""
    found = _purchases(uow, events)
    taken = select(Approval.purchase_id, func.count().label("taken")).where(Approval.purchase_id.in_(found))
    done = {row.purchase_id: row.taken for row in uow.session.execute(taken.group_by(Approval.purchase_id))}
    deputies = _deputies(uow, found)
    for event in events:
        purchase, params, names = found[event.uuid("purchase_id")]
        number = int(event.payload.get("step", 1))
        if purchase.state != "pending_approval" or done.get(purchase.id, 0) != number - 1:
            continue
        asked = NewNotification(
            event.id,
            event.at,
            "approval_asked",
            "/approvals",
            {**params, "asked_by": names.get(purchase.requested_by, purchase.billing_profile["legal_name"])},
            org_id=purchase.buyer_org_id,
        )
        yield from _to_deciders(purchase, number, asked, deputies, but_not=purchase.requested_by)


def _deputies(uow: UnitOfWork, found: _Purchases) -> list[tuple[UUID, UUID, Candidate]]:
    return deputies_in(uow, {purchase.buyer_org_id for purchase, _, _ in found.values()})


def _to_deciders(
    purchase: Purchase,
    number: int,
    said: NewNotification,
    deputies: list[tuple[UUID, UUID, Candidate]],
    *,
    but_not: UUID | None,
) -> Iterable[NewNotification]:
    """To whoever may take a step of a purchase, and who stands in for them."""
    step = (steps_from(purchase.approval_steps) or (ANY_APPROVER,))[number - 1]
    if step.who != "persons":
        yield replace(said, permission=PERMISSIONS[step.who], but_not=but_not)
    persons = {one.id for one in step.persons}
    persons |= {
        deputy_id
        for org_id, deputy_id, represented in deputies
        if org_id == purchase.buyer_org_id and represented.may_take(step)
    }
    for person_id in persons - {but_not}:
        yield replace(said, person_id=person_id)


def _decided(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    found = _purchases(uow, events)
    decided = select(Approval).where(Approval.purchase_id.in_(found)).order_by(Approval.step)
    approvals = {row.purchase_id: row for row in uow.session.scalars(decided)}
    names = _names(uow, {row.decided_by for row in approvals.values()})
    for event in events:
        purchase, params, _ = found[event.uuid("purchase_id")]
        approval = approvals[purchase.id]
        if approval.decided_by != purchase.requested_by:
            said = {**params, "decided_by": names[approval.decided_by], "reason": approval.reason or ""}
            yield from _to_requester(event, kind, purchase, said)


@notifies_of(PurchaseApproved)
def purchase_approved(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked learns that it goes on."""
    return _decided(uow, events, "purchase_approved")


@notifies_of(PurchaseRejected)
def purchase_rejected(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked learns why not."""
    return _decided(uow, events, "purchase_rejected")


@notifies_of(PurchaseExpired)
def purchase_expired(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked learns that nothing came of it."""
    found = _purchases(uow, events)
    for event in events:
        purchase, params, _ = found[event.uuid("purchase_id")]
        yield from _to_requester(event, "purchase_expired", purchase, params)


@notifies_of(PurchaseCancelled)
def purchase_cancelled(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked learns that somebody else called it off; who was to decide it, that there is nothing left to decide."""
    found = _purchases(uow, events)
    deputies, names = _deputies(uow, found), _names(uow, {event.uuid("cancelled_by") for event in events})
    for event in events:
        purchase, params, _ = found[event.uuid("purchase_id")]
        person_id, step = event.uuid("cancelled_by"), event.payload["waited_for_step"]
        said = {**params, "cancelled_by": names[person_id]}
        if person_id != purchase.requested_by:
            yield from _to_requester(event, "purchase_cancelled", purchase, said)
        if step is not None:
            org_id = purchase.buyer_org_id
            withdrawn = NewNotification(event.id, event.at, "approval_withdrawn", "/approvals", said, org_id=org_id)
            yield from _to_deciders(purchase, step, withdrawn, deputies, but_not=person_id)


@notifies_of(PaymentFailed)
def payment_failed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked may pay in another way, as long as the purchase waits for money; so may another organization that pays."""
    found = _purchases(uow, events, "reference")
    waiting = [event for event in events if found[event.uuid("reference")][0].state == "pending_payment"]
    for event in waiting:
        purchase, params, _ = found[event.uuid("reference")]
        yield from _to_requester(event, "payment_failed", purchase, params)
    yield from method_failed(uow, waiting)


@notifies_of(PaymentNeedsAction)
def payment_waits(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked has to confirm it, or to pay; who was there when it was asked for has seen so."""
    absent = select(Payment.id).where(
        Payment.id.in_([event.uuid("payment_id") for event in events]), Payment.payer_absent
    )
    waited = set(uow.session.scalars(absent))
    found = _purchases(uow, events, "reference")
    for event in events:
        purchase, params, _ = found[event.uuid("reference")]
        if event.uuid("payment_id") in waited and purchase.state == "pending_payment":
            yield from _to_requester(event, "payment_waits", purchase, params)


@notifies_of(OrderPaid)
def order_paid(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer's money has arrived; the seller has an order. What a subscription goes on costing is no delivery."""
    found = orders_of(uow, [event.uuid("order_id") for event in events])
    for event in events:
        one = found[event.uuid("order_id")]
        if "days" in one.params:
            # A trial: nothing was paid, and both are told once it runs.
            continue
        paid, received = _PAID[one.of_subscription]
        yield from _to_buyer(event, paid, one)
        yield NewNotification(
            event.id,
            event.at,
            received,
            "/seller/orders",
            one.params,
            org_id=one.order.seller_org_id,
            permission="catalog.write",
        )


@notifies_of(OrderActivated)
def order_active(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """What was bought can be used; of a trial the seller learns, too, as nobody told them of a sale."""
    found = orders_of(uow, [event.uuid("order_id") for event in events])
    for event in events:
        one = found[event.uuid("order_id")]
        if one.of_subscription is not None:
            continue
        if "days" not in one.params:
            yield from _to_buyer(event, "order_active", one)
            continue
        yield from _to_buyer(event, "trial_begun", one)
        customer = f"/seller/customers/{one.order.buyer_org_id}"
        yield NewNotification(
            event.id,
            event.at,
            "trial_taken",
            customer,
            one.params,
            org_id=one.order.seller_org_id,
            permission="leads.manage",
        )


@notifies_of(OrderDeliveryFailed)
def delivery_failed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer learns that the money goes back; of a change or a term, its seller, too, as no first delivery failed
    (`run_failed`).
    """
    found = orders_of(uow, [event.uuid("order_id") for event in events])
    for event in events:
        one = found[event.uuid("order_id")]
        failed, not_made = _FAILED[one.of_subscription]
        yield from _to_buyer(event, failed, one)
        if not_made is not None:
            yield _to_seller(event, not_made, one)


@notifies_of(ChangeLapsed)
def change_lapsed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer learns that it cannot be made any more; where it had been paid for, both sides do, as its money goes back."""
    found = orders_of(uow, [event.uuid("order_id") for event in events])
    for event in events:
        one = found[event.uuid("order_id")]
        if not event.payload["paid"]:
            yield from _to_buyer(event, "change_lapsed", one)
            continue
        yield from _to_buyer(event, "change_too_late", one)
        yield _to_seller(event, "change_too_late_here", one)


@notifies_of(DeliveryFailed)
def run_failed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever looks after the seller's system learns that it did not deliver."""
    found = orders_of(uow, [event.uuid("group_reference") for event in events])
    for event in events:
        yield _to_seller(event, "run_failed", found[event.uuid("group_reference")])


def _to_seller(event: RecordedEvent, kind: str, one: OrderFacts) -> NewNotification:
    """To whoever looks after the seller's system."""
    return NewNotification(
        event.id, event.at, kind, "/seller", one.params, org_id=one.order.seller_org_id, permission="runs.replay"
    )


def _to_buyer(event: RecordedEvent, kind: str, one: OrderFacts) -> Iterable[NewNotification]:
    if one.requested_by is not None:
        yield NewNotification(
            event.id,
            event.at,
            kind,
            one.path,
            one.params,
            org_id=one.order.buyer_org_id,
            person_id=one.requested_by,
        )


def _to_requester(event: RecordedEvent, kind: str, purchase: Purchase, params: Params) -> Iterable[NewNotification]:
    if purchase.requested_by is not None:
        path = f"/orders/{params['order_id']}"
        yield NewNotification(
            event.id, event.at, kind, path, params, org_id=purchase.buyer_org_id, person_id=purchase.requested_by
        )


def _purchases(uow: UnitOfWork, events: Sequence[RecordedEvent], name: str = "purchase_id") -> _Purchases:
    wanted = [event.uuid(name) for event in events]
    purchases = uow.session.scalars(select(Purchase).where(Purchase.id.in_(wanted))).all()
    orders = uow.session.execute(
        select(Order.purchase_id, Order.id).where(Order.purchase_id.in_(wanted)).order_by(Order.id.desc())
    ).all()
    first = dict((purchase_id, order_id) for purchase_id, order_id in orders)  # noqa: C402 - rows are no pairs to mypy
    titles = _titles(uow, OrderLine.order_id.in_(first.values()))
    names = _names(uow, {row.requested_by for row in purchases if row.requested_by})
    return {
        row.id: (
            row,
            {
                "order_id": str(first[row.id]),
                "amount_minor": row.gross_minor,
                "currency": row.currency,
                **titles[first[row.id]],
            },
            names,
        )
        for row in purchases
    }


def _names(uow: UnitOfWork, person_ids: Collection[UUID]) -> dict[UUID | None, str]:
    rows = uow.session.execute(select(Person.id, Person.name).where(Person.id.in_(person_ids)))
    return {person_id: name for person_id, name in rows}  # noqa: C416 - a wider key than the rows'


def _titles(uow: UnitOfWork, condition: object) -> dict[UUID, dict[str, str | int]]:
    """What each order is of: its first line's title, and how many more there are; of a trial its days, and what follows."""
    lines = select(OrderLine.order_id, OrderLine.plan).where(condition).order_by(OrderLine.id)  # type: ignore[arg-type]
    plans: dict[UUID, list[dict[str, Any]]] = {}
    for order_id, plan in uow.session.execute(lines):
        plans.setdefault(order_id, []).append(plan)
    return {
        order_id: {
            "what": _and_more(some[0]["title"], "{title} 等 {lines} 件", len(some)),
            "what_en": _and_more(some[0]["title_en"], "{title} and {more} more", len(some)),
            **_tried(some[0]),
        }
        for order_id, some in plans.items()
    }


def _tried(plan: Mapping[str, Any]) -> dict[str, str | int]:
    if not plan.get("trial_days"):
        return {}
    return {"days": int(plan["trial_days"]), "amount_minor": int(plan["trial_after_minor"])}


def _and_more(title: str, words: str, lines: int) -> str:
    return words.format(title=title, lines=lines, more=lines - 1) if title and lines > 1 else title
