"""A trial is bought before it ends: what follows it is paid for now, at the price that was told when it began."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.payments.queries import latest_payment
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.jobs.outbox import emit, enqueue
from orders.checkout.approval_reasons import APPROVAL_WAITS, BUY, needed_approval
from orders.checkout.locking import find_locked_purchase, lock_purchase_and_orders
from orders.checkout.models import Purchase
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_models import Quote
from orders.checkout.request_payment import request_payment, require_still_sold
from orders.order.events import ApprovalRequested
from orders.order.models import ENDED_UNPAID, OWED, Order, OrderLine, Subscription
from orders.subscriptions.past_due import ask_again, lock_renewal
from orders.subscriptions.renew import BoughtByHand, copy_sale_terms, lock_subscription, place_next_term
from orders.subscriptions.schedule import TERMINATED_AFTER
from orders.subscriptions.trial_quote import price_again

PAY_CONVERSION = "orders.trials.pay"


@dataclass(frozen=True, slots=True)
class ConvertTrial:
    """Which trial, and how it is paid; without a `method_token` as it was begun."""

    subscription_id: UUID
    gateway: str = ""
    method_token: str = ""


def convert_trial(uow: UnitOfWork, command: ConvertTrial) -> UUID:
    """Buy what follows a trial. Its paid term begins when the trial ends: no free day is lost. Returns the order's id.

    The purchase rules of the acting organization hold as for any purchase. Where it is not paid in time the trial ends, unless
    it converts by itself; for an approver it waits as long as an approval does, and what is in use goes on until then. Bought
    already, nothing is bought again; what waits for its money is asked for by another method now.

    Raises: Forbidden `permission_missing` without orders.buy, `not_on_allow_list`; NotFound; Conflict `trial_over`,
    `plan_withdrawn`, `listing_suspended`; Invalid `payment_method_missing`.
    Emits: ApprovalRequested. Locks: an open purchase of its next term, the purchase and the order that began it, the
    subscription; as `needed_approval`.
    """
    uow.principal.require(BUY)
    purchase_id = uow.session.scalar(
        select(Order.purchase_id)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Subscription, Subscription.order_line_id == OrderLine.id)
        .where(Subscription.id == command.subscription_id, Subscription.buyer_org_id == uow.principal.organization())
    )
    if purchase_id is None:
        raise NotFound("not_found")
    renewal = lock_renewal(uow, command.subscription_id)
    first = find_locked_purchase(uow, purchase_id)
    found = lock_subscription(uow, command.subscription_id)
    assert first is not None and found is not None  # noqa: PT018, S101 - a subscription has both
    subscription, _, began = found
    bought = _bought(uow, subscription)
    if bought is not None and subscription.trial_ends_at is not None:
        if renewal is not None and command.method_token:
            _remember_method(renewal, command)
            _remember_method(first, command)
            if latest_payment(uow, renewal.id) is not None:
                # Else it is about to be tried for the first time (`pay_conversion`).
                ask_again(uow, renewal)
        return bought
    if subscription.state != "active" or not subscription.is_trial or subscription.ends_at <= clock.now():
        raise Conflict("trial_over")
    _remember_method(first, command)
    require_still_sold(uow, first, goes_on=True)
    return _place(uow, subscription, began, first)


def pay_conversion(uow: UnitOfWork, purchase_id: UUID) -> None:
    """Copy the sale terms of a trial's first paid term, and ask for its money where it waits for nobody's approval.

    Locks: the purchase, its order. Idempotent by the job.
    """
    purchase = find_locked_purchase(uow, purchase_id)
    assert purchase is not None  # noqa: S101 - the job is queued with it
    purchase, (order,) = lock_purchase_and_orders(uow, purchase_id)
    first_line_id = uow.session.scalars(
        select(Subscription.order_line_id).where(Subscription.id == order.subscription_id)
    ).one()
    copy_sale_terms(uow, order, first_line_id)
    if purchase.state == "pending_payment":
        request_payment(uow, purchase, [order])


def _bought(uow: UnitOfWork, subscription: Subscription) -> UUID | None:
    """The order of its first paid term, paid or about to be."""
    return uow.session.scalar(
        select(Order.id)
        .where(
            Order.subscription_id == subscription.id,
            ~OWED,
            Order.state.not_in((*ENDED_UNPAID, "refunded")),
        )
        .order_by(Order.created_at)
        .limit(1)
    )


def _remember_method(first: Purchase, command: ConvertTrial) -> None:
    """What follows is paid as this is."""
    if command.method_token:
        first.gateway, first.method_token = command.gateway, command.method_token
    elif not first.method_token:
        raise Invalid("payment_method_missing", field="payment_method")


def _place(uow: UnitOfWork, subscription: Subscription, began: Order, first: Purchase) -> UUID:
    now, ends_at = clock.now(), subscription.ends_at
    quote = uow.session.get(Quote, subscription.renewal_quote_id) if subscription.renewal_quote_id else None
    if quote is None or quote.used_at is not None:
        # What was bought before came to nothing; the price is still the one that was told.
        subscription.renewal_quote_id = price_again(uow, subscription)
        quote = uow.session.get_one(Quote, subscription.renewal_quote_id)
    needed = needed_approval(uow, [PricedLine.model_validate(one) for one in quote.lines], binding=True)
    waits_until = ends_at + TERMINATED_AFTER if subscription.auto_renew else ends_at
    how = BoughtByHand(
        first.gateway,
        first.method_token,
        uow.principal.accountable_id,
        now + APPROVAL_WAITS if needed.reasons else waits_until,
        needed,
    )
    purchase, order = place_next_term(uow, subscription, began, first, quote, how)
    if needed.reasons:
        emit(uow, ApprovalRequested(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
    enqueue(uow, PAY_CONVERSION, {"purchase_id": str(purchase.id)}, dedupe_key=str(purchase.id))
    return order.id
