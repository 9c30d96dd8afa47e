"""The switch: whether a subscription is renewed without asking again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from orders.checkout.approval_reasons import BUY
from orders.order.locking import find_locked_order
from orders.order.models import OrderLine, Subscription
from orders.subscriptions.calendar import take_calendar
from orders.trials.take_trial import trial_of_line


def set_auto_renew(uow: UnitOfWork, subscription_id: UUID, *, wanted: bool) -> Subscription:
    """Agree that the next terms are paid for as the first one was, or undo that. What is being paid for already goes on.

    A trial that began without a payment method is not paid for by itself: it is bought (`trial_conversion`), or ends.

    Raises: Forbidden `permission_missing` without orders.buy, NotFound, Conflict `subscription_ended`, `trial_must_be_bought`,
    `contract_ends` (the last term of its contract is paid for).
    Locks: the order that began it, the subscription. Idempotent by the switch.
    """
    uow.principal.require(BUY)
    row = uow.session.execute(
        select(OrderLine.order_id, OrderLine.term_months)
        .join(Subscription, Subscription.order_line_id == OrderLine.id)
        .where(Subscription.id == subscription_id, Subscription.buyer_org_id == uow.principal.organization())
    ).first()
    if row is None:
        raise NotFound("not_found")
    find_locked_order(uow, row.order_id)
    subscription = uow.session.scalars(
        select(Subscription).where(Subscription.id == subscription_id).with_for_update()
    ).one()
    if subscription.state == "ended" or subscription.ends_at <= clock.now():
        raise Conflict("subscription_ended")
    if subscription.auto_renew == wanted:
        return subscription
    if wanted and subscription.contract_terms_left == 0:
        raise Conflict("contract_ends")
    if wanted and subscription.is_trial:
        trial = trial_of_line(uow, subscription.order_line_id)
        if trial is None or not trial.converts:
            raise Conflict("trial_must_be_bought")
    subscription.auto_renew = wanted
    take_calendar(uow, subscription)
    return subscription
