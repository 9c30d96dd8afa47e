"""A term has begun that nobody has paid for: asked for again, suspended, ended; and as it was, once it is paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select, true

from billing.payments.queries import latest_payment
from fulfillment.entitlements.models import Entitlement
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.provisioning.suspend_entitlement import suspend_entitlement
from fulfillment.usage.change_terms import end_trial
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from orders.checkout.decide_purchase import close_unpaid
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Purchase
from orders.checkout.request_payment import request_payment, retry_payment
from orders.order.accept_services import complete_when_over
from orders.order.instalments import Instalment, cancel_instalments
from orders.order.locking import lock_orders, lock_subscription
from orders.order.models import OWED, SUBSCRIPTION, Order, Subscription
from orders.subscriptions.events import SubscriptionEnded, SubscriptionPastDue, SubscriptionSuspended, TrialEnded
from orders.subscriptions.finish_orders import finish_orders_of
from orders.subscriptions.schedule import (
    RENEWS_BEFORE,
    SUSPENDED_AFTER,
    TERMINATED_AFTER,
    SubscriptionStep,
    steps_past_due,
)

_RENEWAL = Read(
    select(Purchase.id)
    .join(Subscription, Subscription.renewal_quote_id == Purchase.quote_id)
    .where(Subscription.id == bindparam("subscription_id"))
)


def lock_renewal(uow: UnitOfWork, subscription_id: UUID) -> Purchase | None:
    """The purchase of a subscription's next term that waits for its money, locked before anything of the subscription is."""
    purchase_id = uow.find(_RENEWAL, subscription_id=subscription_id)
    found = find_locked_purchase(uow, purchase_id) if purchase_id is not None else None
    return found if found is not None and found.state == "pending_payment" else None


def fall_past_due(uow: UnitOfWork, subscription: Subscription, entitlement: Entitlement) -> None:
    """The paid term is over and the next one is not paid for, though it is to be renewed: what is in use goes on for now.

    Emits: SubscriptionPastDue.
    """
    sides = {"buyer_org_id": subscription.buyer_org_id, "seller_org_id": subscription.seller_org_id}
    SUBSCRIPTION.move(uow, subscription, "past_due", org_ids=list(sides.values()), reason="renewal_unpaid")
    end_trial(uow, entitlement, subscription.ends_at)
    entitlement.valid_to, entitlement.trial_days = subscription.ends_at + TERMINATED_AFTER, 0
    entitlement.past_due_at = subscription.ends_at
    subscription.next_step_at = _next(subscription, clock.now() - timedelta(seconds=1))
    emit(uow, SubscriptionPastDue(subscription_id=subscription.id, **sides))


def take_past_due_step(uow: UnitOfWork, subscription: Subscription, began: Order, renewal: Purchase | None) -> None:
    """Take what is due of a subscription that is past due: of several steps that were missed, the last one.

    The method is asked again only where the try before has failed for certain.
    """
    now = clock.now()
    due = [SubscriptionStep(subscription.ends_at, "retry"), *(one for one in _steps(subscription) if one.at <= now)]
    step = due[-1]
    subscription.next_step_at = _next(subscription, now)
    is_over = subscription.is_trial and not _is_awaited(uow, subscription)
    entitlement = uow.session.scalars(
        select(Entitlement).where(Entitlement.reference == subscription.order_line_id)
    ).one()
    if step.kind == "terminate" or is_over:
        # One whose purchase expires with the last of these steps was waited for until then.
        reason = "renewal_unpaid" if step.kind == "terminate" else "term_over"
        terminate(uow, subscription, began, renewal, entitlement, reason=reason)
        return
    if renewal is not None:
        ask_again(uow, renewal, since=[one.at for one in due if one.kind == "retry"][-1])
    if step.kind == "suspend":
        suspend(uow, subscription, entitlement.id, reason="renewal_unpaid")


def suspend(uow: UnitOfWork, subscription: Subscription, entitlement_id: UUID, *, reason: str) -> None:
    """Nobody may use it until what is owed is paid. Emits: SubscriptionSuspended, unless it is suspended already."""
    if suspend_entitlement(uow, entitlement_id, reason=reason):
        sides = {"buyer_org_id": subscription.buyer_org_id, "seller_org_id": subscription.seller_org_id}
        emit(uow, SubscriptionSuspended(subscription_id=subscription.id, **sides))


def nobody_pays(uow: UnitOfWork, purchase_id: UUID) -> None:
    """A purchase has ended unpaid: what followed a trial by it, and was waited for beyond the trial's end, is over now.

    Locks: as all of a subscription is. Idempotent by the state.
    """
    found = uow.session.scalars(
        select(Order.subscription_id).where(Order.purchase_id == purchase_id, Order.subscription_id.is_not(None))
    )
    for subscription_id in found.all():
        assert subscription_id is not None  # noqa: S101 - asked for
        subscription = lock_subscription(uow, subscription_id)
        if subscription.state == "past_due" and subscription.is_trial and not _is_awaited(uow, subscription):
            subscription.next_step_at = clock.now()


def _is_awaited(uow: UnitOfWork, subscription: Subscription) -> bool:
    """Whether its next term waits for its money, or for whoever approves that."""
    open_one = (
        select(Purchase.id)
        .join(Order, Order.purchase_id == Purchase.id)
        .where(
            Order.subscription_id == subscription.id,
            ~OWED,
            Purchase.state.in_(("pending_approval", "pending_payment")),
        )
    )
    return uow.session.scalar(open_one.limit(1)) is not None


def ask_again(uow: UnitOfWork, renewal: Purchase, *, since: datetime | None = None) -> None:
    """Ask for the money of a locked purchase that waits for it, where the try before has failed for certain.

    Not where it was tried `since` then: a try that is due is made once.
    """
    before = latest_payment(uow, renewal.id)
    if before is None:
        request_payment(uow, renewal, lock_orders(uow, renewal.id))
    elif before.state == "failed" and (since is None or before.created_at < since):
        retry_payment(uow, renewal, lock_orders(uow, renewal.id))


def terminate(
    uow: UnitOfWork,
    subscription: Subscription,
    began: Order,
    renewal: Purchase | None,
    entitlement: Entitlement,
    *,
    reason: str,
) -> None:
    """End a locked subscription that nobody pays for, and what it gives; not while money for its next term may still come."""
    if renewal is not None and (before := latest_payment(uow, renewal.id)) and before.state != "failed":
        # Money may still be on its way: it is settled by what the gateway says.
        subscription.next_step_at = clock.now() + timedelta(hours=1)
        return
    if renewal is not None:
        close_unpaid(uow, renewal, "expired", reason=reason)
    SUBSCRIPTION.move(uow, subscription, "ended", org_ids=began.parties, reason=reason)
    subscription.next_step_at = None
    cancel_instalments(uow, Instalment.subscription_id == subscription.id)
    tell_ended(uow, subscription, reason)
    end_entitlement(uow, entitlement.id, reason=reason)
    if began.state == "active" and began.deadline_at is None:
        complete_when_over(uow, began, reason="term_over")


def tell_ended(uow: UnitOfWork, subscription: Subscription, reason: str) -> None:
    """A subscription has just ended by the clock: what was bought for it is complete. Emits: SubscriptionEnded, TrialEnded."""
    sides = {"buyer_org_id": subscription.buyer_org_id, "seller_org_id": subscription.seller_org_id}
    if subscription.is_trial:
        emit(uow, TrialEnded(subscription_id=subscription.id, **sides, reason=reason))
    emit(uow, SubscriptionEnded(subscription_id=subscription.id, **sides, reason=reason))
    finish_orders_of(uow, subscription.id)


def owed_is_overdue(uow: UnitOfWork, subscription_id: UUID, *, besides: UUID | None = None) -> bool:
    """Whether usage or an instalment of it is unpaid for so long that it is suspended; but for the order `besides`."""
    unpaid = (
        select(Order.id)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .where(
            Order.subscription_id == subscription_id,
            OWED,
            Order.id != besides if besides is not None else true(),
            Order.state == "pending_payment",
            Purchase.created_at <= clock.now() - RENEWS_BEFORE - SUSPENDED_AFTER,
        )
    )
    return uow.session.scalar(unpaid.limit(1)) is not None


def _next(subscription: Subscription, after: datetime) -> datetime | None:
    return next((step.at for step in _steps(subscription) if step.at > after), None)


def _steps(subscription: Subscription) -> Iterator[SubscriptionStep]:
    return steps_past_due(subscription.ends_at, trial_days=subscription.tried_days)
