"""The closed loop on one page: each fact, and what follows it.

    seller's connector tested ─► that step of its checklist done
    purchase placed ─► (approved) ─► payment ─► order paid ─► charge recorded, delivery begun, an offer's request won
        a service ─► its seller takes it on ─► milestone by milestone delivered, accepted, released (`orders/milestones`)
        delivery done ─► order active ─► share released after its hold, subscription begun, invoice issued, or its month's
        delivery failed or late ─► order's money refunded ─► order refunded, delivery ended, credit note issued
    payment after its purchase expired ─► refunded      refund refused ─► tried again tomorrow
    payment reversed ─► its orders refunded by what is gone      dispute lost ─► those that it was about
    dispute ended ─► what was owed back meanwhile goes back      incident closed ─► a refund that came back is settled
    renewal due ─► purchase of the next term ─► payment ─► term added, share released with it, invoice issued
    usage period closed, instalment due ─► purchase of it ─► payment ─► share released, invoice issued
    last term over ─► past due while its renewal waits for money, else subscription and entitlement ended, order complete
    change paid, or a term begun that gives more ─► the seller's system told; that fails or is late ─► its money refunded
    request closed by hand ─► what was offered on it withdrawn

What needs no call outside follows in the transaction of its event; where that fails, as a durable job.
It happens exactly once, whatever dies in between. Delivered or refunded: there is no third way out of `paid`.
What people are told of it stands in `orders/notifications`, what the feed learns of it in `orders/feed_outcomes.py`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, select

from billing.charges.mark_delivered import ask_shares
from billing.disputes.events import DisputeEnded, DisputeOpened
from billing.incidents.events import IncidentClosed
from billing.payments.events import PaymentReversed, PaymentSucceeded
from billing.payments.models import Payment
from billing.payouts.flag_disputed import flag_disputed_payouts
from billing.refunds.bear_dispute import bear_loss, bear_lost_dispute, keep_returned
from billing.refunds.events import RefundFailed, RefundReturned, RefundSucceeded
from billing.refunds.models import Refund
from billing.refunds.settle_returned import settle_returned
from fulfillment.connectors.events import ConnectorTestPassed
from fulfillment.entitlements.events import DeliveryFailed, EntitlementActivated
from fulfillment.provisioning.end_entitlement import end_entitlement
from kernel import clock
from kernel.db.locks import lock_aggregate
from kernel.db.statements import Read
from kernel.db.uow import Transact, UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.kinds import Payload, follows, job, sweep
from kernel.jobs.outbox import emit, enqueue
from kernel.jobs.settle_each import settle_each
from marketplace.leads.events import LeadClosed
from marketplace.onboarding.checklist import pass_connector_test
from orders.amendments.amend import apply_amendment, find_amendment
from orders.announcements.deliver import deliver_announcements
from orders.approval_rules.jobs import sweep_deputies
from orders.checkout.locking import ask_purchase_and_orders, lock_purchase_and_orders
from orders.checkout.purge_quotes import purge_unused
from orders.checkout.request_payment import mark_paid
from orders.coupons.jobs import sweep_ending_coupons
from orders.deadlines import accept_by_deadline, expire_purchase, orders_past_acceptance, overdue_purchases
from orders.disputes.jobs import sweep_disputes
from orders.end_customers.jobs import stop_renewing
from orders.fulfillment.start_fulfillment import (
    ask_start_fulfillment,
    entitlements_of,
    is_delivered,
    release_shares,
    start_fulfillment,
)
from orders.instalments.jobs import sweep_instalments
from orders.invoicing.invoice_order import ask_parties, department_of, invoice_order
from orders.milestones.jobs import sweep_milestones
from orders.offers.deliver_tier_offer import offer_to_partner
from orders.offers.make_offer import withdraw_offered
from orders.offers.win_request import win_request
from orders.order.accept_services import ACCEPTED_AFTER, accepted_as_a_whole
from orders.order.events import OrderActivated, OrderCompleted, OrderDeliveryFailed, OrderPaid, OrderRefunded
from orders.order.locking import ask_order, deliveries_of, find_locked_order
from orders.order.models import ORDER, Order, OrderLine, SubscriptionTerm
from orders.order.span import Span
from orders.payers.follow_payers import end_payer, pay_approved
from orders.payment_methods.paid_by import charge_kept_method
from orders.refunds.held import lose_payment
from orders.refunds.jobs import sweep_cases
from orders.refunds.refund_order import is_fully_refunded, issue_credit_note_for, refund_remaining
from orders.response_times.count_answers import count_all_answers
from orders.subscriptions.begin_and_end import begin_subscriptions, end_subscriptions, entitlements_over
from orders.subscriptions.end_of_term import ENDED_AT_ONCE, end_past_term, orders_past_term
from orders.subscriptions.jobs import REFUND_RENEWAL
from orders.subscriptions.next_term import begin_next_term, paid_span, release_term
from orders.subscriptions.renew import AT_ONCE, TOGETHER, due_subscriptions, take_step
from orders.subscriptions.take_back import take_back_paid
from orders.subscriptions.trial_conversion import PAY_CONVERSION, pay_conversion
from orders.tickets.jobs import sweep_tickets
from orders.trials.take_trial import release_trials
from orders.usage.dunning import settle_owed
from orders.usage.jobs import sweep_unpaid_usage

FOLLOWERS = (sweep_deputies, sweep_cases, sweep_unpaid_usage, sweep_instalments, sweep_ending_coupons, sweep_disputes)
MORE_FOLLOWERS = (sweep_milestones, sweep_tickets, charge_kept_method, offer_to_partner, pay_approved, end_payer)
FURTHER_FOLLOWERS = (stop_renewing, count_all_answers, deliver_announcements)
"""Imported for what they register."""
REFUND_AGAIN = "orders.refund.again"
SWEEP_PURCHASES = "orders.checkout.sweep"
SWEEP_ACCEPTANCE = "orders.acceptance.sweep"
SWEEP_TERMS = "orders.terms.sweep"
SWEEP_RENEWALS = "orders.renewals.sweep"
PURGE_QUOTES = "orders.checkout.purge"
RENEWED_AT_ONCE = 20_000
"""Most subscriptions that one sweep sees to, so that some that cannot be seen to keep it from nothing else."""
REFUND_WAITS = timedelta(days=1)
"""After a gateway refused a refund that is owed, until it is asked again."""


# ── money in ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _payment_ahead(uow: UnitOfWork, fact: Payload) -> None:
    """What is charged and delivered once a purchase is paid."""
    reference = UUID(fact["reference"])
    lock_aggregate(uow, reference)
    ask_purchase_and_orders(uow, reference)
    ask_start_fulfillment(uow, reference, UUID(fact["payment_id"]))


@follows(PaymentSucceeded, ahead=_payment_ahead)
def payment_succeeded(uow: UnitOfWork, fact: Payload) -> None:
    """The purchase is paid, and so are its orders; money for a purchase that no longer waits goes back."""
    reference, payment_id = UUID(fact["reference"]), UUID(fact["payment_id"])
    lock_aggregate(uow, reference)
    purchase, orders = lock_purchase_and_orders(uow, reference)
    if purchase.state == "pending_payment":
        mark_paid(uow, purchase, orders, payment_id)
    elif purchase.state != "paid":
        for order in orders:
            refund_remaining(uow, order, payment_id, reason="payment_came_too_late")


@follows(PaymentReversed)
def payment_reversed(uow: UnitOfWork, fact: Payload) -> None:
    """The money is not here any more: whatever of it was not given back yet, its orders have lost."""
    lose_payment(uow, UUID(fact["payment_id"]), fact["code"])


# ── delivery ─────────────────────────────────────────────────────────────────────────────────────────────────────


@follows(OrderPaid)
def order_paid(uow: UnitOfWork, fact: Payload) -> None:
    """Every line is charged (the ledger knows whose money it is) and its delivery begins. Of an offer, its request is won."""
    order = _order(uow, fact["order_id"])
    if order.subscription_id is not None:
        amendment = None if order.is_owed else find_amendment(uow, order)
        if amendment is not None:
            done = apply_amendment(uow, order, amendment)
        else:
            done = settle_owed(uow, order) if order.is_owed else begin_next_term(uow, order)
        if not done and order.payment_id is not None:
            refund_remaining(uow, order, order.payment_id, reason="payment_came_too_late")
        return
    start_fulfillment(uow, order)
    if order.lead_id is not None:
        win_request(uow, order.lead_id)


def _activation_ahead(uow: UnitOfWork, fact: Payload) -> None:
    """Most orders have one line: with it the order is active, and that is followed too."""
    order_id = UUID(fact["group_reference"])
    ask_order(uow, order_id)
    ask_shares(uow, UUID(fact["reference"]))
    ask_parties(uow, order_id)


@follows(EntitlementActivated, ahead=_activation_ahead)
def entitlement_activated(uow: UnitOfWork, fact: Payload) -> None:
    """When the last line of an order is delivered, the order is active."""
    order = _delivered_order(uow, fact)
    if order.state != "fulfilling":
        return
    deliveries = deliveries_of(uow, order.id)
    if is_delivered(deliveries):
        ORDER.move(uow, order, "active", org_ids=order.parties)
        order.active_at = clock.now()
        waits = accepted_as_a_whole(uow, order.id, [one.line for one in deliveries])
        order.deadline_at = clock.now() + ACCEPTED_AFTER if waits else None
        emit(uow, OrderActivated(order_id=order.id, **_named(order)))


@follows(OrderActivated)
def order_activated(uow: UnitOfWork, fact: Payload) -> None:
    """Subscriptions begin, shares of what needs no acceptance start their hold, and what was delivered is invoiced."""
    order = _order(uow, fact["order_id"])
    if order.state in ("active", "completed"):
        deliveries = deliveries_of(uow, order.id)
        lines = [one.line for one in deliveries]
        term: SubscriptionTerm | Span | None
        if order.subscription_id is not None:
            term = paid_span(uow, order)
            release_term(uow, lines, term)
        else:
            term = begin_subscriptions(uow, deliveries, department_of(uow, order.id))
            release_shares(uow, order, deliveries, recurring=True)
        invoice_order(uow, order, lines, term)


@follows(OrderCompleted)
def order_completed(uow: UnitOfWork, fact: Payload) -> None:
    """What was accepted starts its hold."""
    order = _order(uow, fact["order_id"])
    release_shares(uow, order, deliveries_of(uow, order.id), recurring=False)


@follows(LeadClosed)
def lead_closed(uow: UnitOfWork, fact: Payload) -> None:
    """What was offered on a request ends with it."""
    withdraw_offered(uow, UUID(fact["lead_id"]))


# ── delivered or refunded ────────────────────────────────────────────────────────────────────────────────────────


@follows(DeliveryFailed)
def delivery_failed(uow: UnitOfWork, fact: Payload) -> None:
    """One line that cannot be delivered fails its whole order: what was delivered of it is taken back."""
    order = _delivered_order(uow, fact)
    if order.state != "fulfilling":
        return
    ORDER.move(uow, order, "delivery_failed", org_ids=order.parties, reason=fact["reason"])
    order.failure, order.deadline_at = fact["reason"], None
    for entitlement_id in entitlements_of(uow, order):
        end_entitlement(uow, entitlement_id, reason="delivery_failed")
    emit(uow, OrderDeliveryFailed(order_id=order.id, **_named(order), reason=fact["reason"]))


@follows(OrderDeliveryFailed)
def order_delivery_failed(uow: UnitOfWork, fact: Payload) -> None:
    """The money goes back by itself; where nothing was paid, the order is over at once."""
    order = _order(uow, fact["order_id"])
    if order.payment_id is None:
        release_trials(uow, [order.id])
        _end_refunded(uow, order, reason="nothing_paid")
    else:
        refund_remaining(uow, order, order.payment_id, reason="delivery_failed")


@follows(RefundSucceeded)
def refund_succeeded(uow: UnitOfWork, fact: Payload) -> None:
    """An order whose whole amount went back is over."""
    order = _order(uow, fact["reference"])
    if is_fully_refunded(uow, order) and order.state != "refunded":
        _end_refunded(uow, order, reason="refunded")


@follows(RefundSucceeded)
def refund_succeeded_credit_note(uow: UnitOfWork, fact: Payload) -> None:
    """What was invoiced and went back is credited, partial refunds too."""
    issue_credit_note_for(uow, UUID(fact["refund_id"]), UUID(fact["reference"]))


@follows(RefundFailed)
def refund_failed(uow: UnitOfWork, fact: Payload) -> None:
    """What the loop owes, and the payer has not from its bank, is asked for again tomorrow; the rest the buyer may ask for."""
    refund = uow.session.get_one(Refund, UUID(fact["refund_id"]))
    bear_loss(uow, refund.payment_id, refund.reference)
    if refund.automatic:
        owed = {"order_id": fact["reference"], "payment_id": fact["payment_id"], "reason": refund.reason}
        enqueue(uow, REFUND_AGAIN, owed, dedupe_key=fact["refund_id"], run_at=clock.now() + REFUND_WAITS)


@follows(RefundReturned)
def refund_returned(uow: UnitOfWork, fact: Payload) -> None:
    """What its payer has from its bank already is kept."""
    keep_returned(uow, UUID(fact["refund_id"]))


@job(REFUND_AGAIN)
def refund_again(uow: UnitOfWork, owed: Payload) -> None:
    """Ask the gateway anew for a refund it had refused."""
    refund_remaining(uow, _order(uow, owed["order_id"]), UUID(owed["payment_id"]), reason=owed["reason"])


@job(PAY_CONVERSION)
def pay_for_trial(uow: UnitOfWork, fact: Payload) -> None:
    """What follows a trial that was bought is asked money for."""
    pay_conversion(uow, UUID(fact["purchase_id"]))


@follows(DisputeOpened)
def dispute_opened(uow: UnitOfWork, fact: Payload) -> None:
    """A payout that is on its way with shares of it cannot be held any more: an operator is told."""
    flag_disputed_payouts(uow, UUID(fact["dispute_id"]))


@follows(DisputeEnded)
def dispute_ended(uow: UnitOfWork, fact: Payload) -> None:
    """Lost: what it was about has lost the money. What was owed back meanwhile goes back now, as far as it is here."""
    payment = uow.session.get_one(Payment, UUID(fact["payment_id"]))
    if fact["is_lost"]:
        bear_lost_dispute(uow, UUID(fact["dispute_id"]))
    _, orders = lock_purchase_and_orders(uow, payment.reference)
    for order in orders:
        if order.payment_id != payment.id or order.state == "delivery_failed":
            reason = "delivery_failed" if order.payment_id == payment.id else "payment_came_too_late"
            refund_remaining(uow, order, payment.id, reason=reason)


@follows(IncidentClosed)
def incident_closed(uow: UnitOfWork, fact: Payload) -> None:
    """Who closed the incident of a refund that came back has paid its buyer in another way."""
    if fact["kind"] == "refund_returned":
        settle_returned(uow, UUID(fact["about_id"]))


# ── before anything can be sold ──────────────────────────────────────────────────────────────────────────────────


@follows(ConnectorTestPassed)
def connector_test_passed(uow: UnitOfWork, fact: Payload) -> None:
    """That step of the seller's checklist is done; who does not sell has no checklist."""
    with suppress(NotFound):
        pass_connector_test(uow, UUID(fact["org_id"]))


# ── what waits too long ──────────────────────────────────────────────────────────────────────────────────────────


@sweep(SWEEP_PURCHASES, every=timedelta(seconds=5))
def sweep_purchases(transact: Transact) -> None:
    """Approvals and payments that did not come in time: the purchase expires."""
    settle_each(transact, overdue_purchases, expire_purchase)


@sweep(SWEEP_ACCEPTANCE, every=timedelta(minutes=1))
def sweep_acceptance(transact: Transact) -> None:
    """Services whose buyer said nothing for seven days are accepted."""
    settle_each(transact, orders_past_acceptance, accept_by_deadline)


@sweep(SWEEP_TERMS, every=timedelta(minutes=1))
def sweep_terms(transact: Transact) -> None:
    """Subscriptions whose last term is over end, and the seller's system is told."""
    for _ in range(RENEWED_AT_ONCE // ENDED_AT_ONCE):
        if settle_each(transact, orders_past_term, end_past_term) < ENDED_AT_ONCE:
            break


@sweep(SWEEP_RENEWALS, every=timedelta(seconds=15))
def sweep_renewals(transact: Transact) -> None:
    """Subscriptions whose end comes near: who uses them is told, and the next term is asked money for."""
    for _ in range(RENEWED_AT_ONCE // AT_ONCE):
        if settle_each(transact, due_subscriptions, take_step, together=TOGETHER) < AT_ONCE:
            break


@sweep(PURGE_QUOTES, every=timedelta(hours=1))
def purge_quotes(transact: Transact) -> None:
    """Prices that nobody accepted are purged."""
    transact(purge_unused)


_ORDER_OF_LINE = Read(select(OrderLine.order_id).where(OrderLine.id == bindparam("line_id")))


def _order(uow: UnitOfWork, order_id: str) -> Order:
    order = find_locked_order(uow, UUID(order_id))
    if order is None:
        raise LookupError(order_id)
    return order


def _delivered_order(uow: UnitOfWork, fact: Payload) -> Order:
    """The order of a fact of delivery. One that an earlier release left to a job names the line alone."""
    order_id = fact.get("group_reference") or uow.find(_ORDER_OF_LINE, line_id=UUID(fact["reference"]))
    if order_id is None:
        raise LookupError(fact["reference"])
    return _order(uow, str(order_id))


def _named(order: Order) -> dict[str, UUID]:
    return {"buyer_org_id": order.buyer_org_id, "seller_org_id": order.seller_org_id}


def _end_refunded(uow: UnitOfWork, order: Order, *, reason: str) -> None:
    ORDER.move(uow, order, "refunded", org_ids=order.parties, reason=reason)
    order.deadline_at = None
    owed = list(end_subscriptions(uow, order))
    if order.subscription_id is not None:
        owed += take_back_paid(uow, order)
    for renewal_id in owed:
        # In a transaction of its own: a renewal is locked before the order that it renews.
        enqueue(uow, REFUND_RENEWAL, {"order_id": str(renewal_id)}, dedupe_key=str(renewal_id))
    for entitlement_id in entitlements_over(uow, order):
        end_entitlement(uow, entitlement_id, reason="refunded")
    emit(uow, OrderRefunded(order_id=order.id, **_named(order)))
