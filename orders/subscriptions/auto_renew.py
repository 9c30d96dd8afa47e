"""The switch: whether a subscription is renewed without asking again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.payments.queries import latest_payment
from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.end_customers.models import EndCustomer
from orders.checkout.approval_reasons import BUY
from orders.order.locking import find_locked_order
from orders.order.models import OrderLine, Subscription
from orders.subscriptions.calendar import take_calendar
from orders.subscriptions.past_due import lock_renewal, terminate
from orders.subscriptions.quote_renewal import require_sold_number
from orders.subscriptions.renew import lock_subscription
from orders.trials.take_trial import trial_of_line


def set_auto_renew(uow: UnitOfWork, subscription_id: UUID, *, wanted: bool) -> Subscription:
    """Agree that the next terms are paid for as the first one was, or undo that. What is being paid for already goes on.

    Where the next term has begun and is not paid, "no more" ends it now, and nobody is asked for its money again.

    A trial that began without a payment method is not paid for by itself: it is bought (`trial_conversion`), or ends.

    Raises: Forbidden `permission_missing` without orders.buy, NotFound, Conflict `subscription_ended`, `trial_must_be_bought`,
    `contract_ends` (the last term of its contract is paid for), `payment_already_running` (of the term that has begun),
    `end_customer_over`, `quantity_out_of_range` (an offer sold more than its plan does: another number is wanted next).
    Locks: the order that began it, the subscription; of what is past due as `take_step`. Idempotent by the switch.
    """
    uow.principal.require(BUY)
    row = uow.session.execute(
        select(OrderLine.order_id, Subscription.state)
        .join(Subscription, Subscription.order_line_id == OrderLine.id)
        .where(Subscription.id == subscription_id, Subscription.buyer_org_id == uow.principal.organization())
    ).first()
    if row is None:
        raise NotFound("not_found")
    if row.state == "past_due" and not wanted:
        return _decline(uow, subscription_id)
    find_locked_order(uow, row.order_id)
    subscription = uow.session.scalars(
        select(Subscription).where(Subscription.id == subscription_id).with_for_update()
    ).one()
    if subscription.auto_renew == wanted and subscription.state != "ended":
        return subscription
    if subscription.state == "ended" or subscription.ends_at <= clock.now():
        raise Conflict("subscription_ended")
    if wanted and subscription.contract_terms_left == 0:
        raise Conflict("contract_ends")
    if wanted and subscription.is_trial:
        trial = trial_of_line(uow, subscription.order_line_id)
        if trial is None or not trial.converts:
            raise Conflict("trial_must_be_bought")
    if wanted:
        _require_end_customer(uow, subscription)
        require_sold_number(uow, subscription)
    subscription.auto_renew = wanted
    take_calendar(subscription)
    return subscription


def _require_end_customer(uow: UnitOfWork, subscription: Subscription) -> None:
    """Raises Conflict(`end_customer_over`): whoever uses it does not let the dealer order for it any more."""
    over = (
        select(EndCustomer.id)
        .join(Entitlement, Entitlement.end_customer_id == EndCustomer.id)
        .where(Entitlement.reference == subscription.order_line_id, EndCustomer.state != "active")
    )
    if uow.session.scalar(over) is not None:
        raise Conflict("end_customer_over")


def _decline(uow: UnitOfWork, subscription_id: UUID) -> Subscription:
    """The term that has begun is not wanted: it ends unpaid, unless money for it may be on its way."""
    renewal = lock_renewal(uow, subscription_id)
    found = lock_subscription(uow, subscription_id)
    assert found is not None  # noqa: S101 - the caller has found it
    subscription, _, began = found
    subscription.auto_renew = False
    if subscription.state != "past_due":
        return subscription
    before = latest_payment(uow, renewal.id) if renewal is not None else None
    if before is not None and before.state != "failed":
        raise Conflict("payment_already_running")
    entitlement = uow.session.scalars(
        select(Entitlement).where(Entitlement.reference == subscription.order_line_id)
    ).one()
    terminate(uow, subscription, began, renewal, entitlement, reason="renewal_declined")
    return subscription
