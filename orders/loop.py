"""The closed loop on one page: each fact, and what follows it.

    seller's connector tested ─► that step of its checklist done
    purchase placed ─► (approved) ─► payment ─► order paid ─► charge recorded, delivery begun
        delivery done ─► order active ─► share released after its hold, subscription begun, invoice issued
        delivery failed or late ─► order's money refunded ─► order refunded, delivery ended, credit note issued

Every arrow is one durable job: it runs exactly once, in one transaction, whatever dies in between. Delivered or refunded:
there is no third way out of `paid`. The composition imports this module in every process: followers register as it loads.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from billing.payments.events import PaymentSucceeded
from billing.refunds.events import RefundSucceeded
from fulfillment.entitlements.end_entitlement import end_entitlement
from fulfillment.events import ConnectorTestPassed, DeliveryFailed, EntitlementActivated
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.registry import Payload, every, follows, job
from marketplace.organizations.complete_onboarding_step import CompleteOnboardingStep, complete_onboarding_step
from orders.agreements.complete_order import take_acceptance
from orders.agreements.events import OrderActivated, OrderCompleted, OrderDeliveryFailed, OrderPaid, OrderRefunded
from orders.agreements.models import Order, OrderLine
from orders.agreements.states import ORDER
from orders.agreements.subscriptions import begin_subscriptions, end_subscriptions
from orders.deliver import begin_delivery, deliveries_of, is_delivered, release_shares
from orders.money_back import credit_what_was_invoiced, give_back, give_back_late_payment, is_given_back
from orders.paper import invoice_order
from orders.purchases.models import Purchase
from orders.purchases.pay import locked_orders, mark_paid
from orders.sweeps import sweep_acceptance, sweep_purchases

SWEEP_PURCHASES = "orders.purchases.sweep"
SWEEP_ACCEPTANCE = "orders.acceptance.sweep"


# ── money in ─────────────────────────────────────────────────────────────────────────────────────────────────────


@follows(PaymentSucceeded)
def payment_succeeded(uow: UnitOfWork, fact: Payload) -> None:
    """The purchase is paid, and so are its orders; money for a purchase that no longer waits goes back."""
    purchase = lock_row(uow.session, Purchase, UUID(fact["reference"]))
    if purchase is None:
        return
    if purchase.state == "pending_payment":
        mark_paid(uow, purchase, locked_orders(uow, purchase.id), UUID(fact["payment_id"]))
    elif purchase.state != "paid":
        give_back_late_payment(uow, purchase, UUID(fact["payment_id"]))


# ── delivery ─────────────────────────────────────────────────────────────────────────────────────────────────────


@follows(OrderPaid)
def order_paid(uow: UnitOfWork, fact: Payload) -> None:
    """Every line is charged (the ledger knows whose money it is) and its delivery begins."""
    begin_delivery(uow, _order(uow, fact["order_id"]))


@follows(EntitlementActivated)
def entitlement_activated(uow: UnitOfWork, fact: Payload) -> None:
    """When the last line of an order is delivered, the order is active."""
    order = _order_of_line(uow, fact["reference"])
    if order.state == "fulfilling" and is_delivered(uow, order):
        ORDER.move(uow, order, "active", org_ids=_parties(order))
        order.active_at, order.deadline_at = clock.now(), None
        uow.emit(OrderActivated(order_id=order.id, **_named(order)))


@follows(OrderActivated)
def order_activated(uow: UnitOfWork, fact: Payload) -> None:
    """Subscriptions begin, shares of what needs no acceptance start their hold, and what was delivered is invoiced."""
    order = _order(uow, fact["order_id"])
    if order.state in ("active", "completed"):
        begin_subscriptions(uow, order)
        release_shares(uow, order, recurring=True)
        invoice_order(uow, order)


@follows(OrderCompleted)
def order_completed(uow: UnitOfWork, fact: Payload) -> None:
    """What was accepted starts its hold."""
    release_shares(uow, _order(uow, fact["order_id"]), recurring=False)


# ── delivered or refunded ────────────────────────────────────────────────────────────────────────────────────────


@follows(DeliveryFailed)
def delivery_failed(uow: UnitOfWork, fact: Payload) -> None:
    """One line that cannot be delivered fails its whole order: what was delivered of it is taken back."""
    order = _order_of_line(uow, fact["reference"])
    if order.state != "fulfilling":
        return
    ORDER.move(uow, order, "delivery_failed", org_ids=_parties(order), reason=fact["reason"])
    order.failure, order.deadline_at = fact["reason"], None
    for entitlement_id in deliveries_of(uow, order):
        end_entitlement(uow, entitlement_id, reason="delivery_failed")
    uow.emit(OrderDeliveryFailed(order_id=order.id, **_named(order), reason=fact["reason"]))


@follows(OrderDeliveryFailed)
def order_delivery_failed(uow: UnitOfWork, fact: Payload) -> None:
    """The money goes back by itself."""
    give_back(uow, _order(uow, fact["order_id"]), reason="delivery_failed", automatic=True)


@follows(RefundSucceeded)
def refund_succeeded(uow: UnitOfWork, fact: Payload) -> None:
    """An order whose whole amount went back is over."""
    order = lock_row(uow.session, Order, UUID(fact["reference"]))
    if order is None or not is_given_back(uow, order) or not ORDER.allows(order.state, "refunded"):
        return
    ORDER.move(uow, order, "refunded", org_ids=_parties(order), reason="refunded")
    end_subscriptions(uow, order)
    for entitlement_id in deliveries_of(uow, order):
        end_entitlement(uow, entitlement_id, reason="refunded")
    uow.emit(OrderRefunded(order_id=order.id, **_named(order)))


@follows(RefundSucceeded)
def refund_succeeded_credit_note(uow: UnitOfWork, fact: Payload) -> None:
    """What was invoiced and went back is credited, partial refunds too."""
    credit_what_was_invoiced(uow, UUID(fact["refund_id"]), UUID(fact["reference"]))


# ── before anything can be sold ──────────────────────────────────────────────────────────────────────────────────


@follows(ConnectorTestPassed)
def connector_test_passed(uow: UnitOfWork, fact: Payload) -> None:
    """That step of the seller's checklist is done; who does not sell has no checklist."""
    with suppress(NotFound):
        complete_onboarding_step(uow, CompleteOnboardingStep("connector", org_id=UUID(fact["org_id"])))


# ── what waits too long ──────────────────────────────────────────────────────────────────────────────────────────


@job(SWEEP_PURCHASES)
def sweep_waiting_purchases(uow: UnitOfWork, _: Payload) -> None:
    """Approvals and payments that did not come in time."""
    sweep_purchases(uow)


@job(SWEEP_ACCEPTANCE)
def sweep_waiting_acceptance(uow: UnitOfWork, _: Payload) -> None:
    """Services whose buyer said nothing for seven days are accepted."""
    for order in sweep_acceptance(uow):
        take_acceptance(uow, order, reason="accepted_by_clock")


every(timedelta(seconds=5), SWEEP_PURCHASES)
every(timedelta(minutes=1), SWEEP_ACCEPTANCE)


def _order(uow: UnitOfWork, order_id: str) -> Order:
    order = lock_row(uow.session, Order, UUID(order_id))
    if order is None:
        raise LookupError(order_id)
    return order


def _order_of_line(uow: UnitOfWork, line_id: str) -> Order:
    line = uow.session.get_one(OrderLine, UUID(line_id))
    return _order(uow, str(line.order_id))


def _parties(order: Order) -> list[UUID]:
    return [order.buyer_org_id, order.seller_org_id]


def _named(order: Order) -> dict[str, UUID]:
    return {"buyer_org_id": order.buyer_org_id, "seller_org_id": order.seller_org_id}
