"""The end of a subscription's last paid term: what it gave is over, unless it is to be renewed and the money may still come."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from fulfillment.provisioning.end_entitlement import end_entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from marketplace.test_clocks.own_time import lives_now
from orders.checkout.models import Purchase
from orders.order.accept_services import complete_when_over
from orders.order.locking import deliveries_of, find_locked_order, subscriptions_of
from orders.order.models import SUBSCRIPTION, OrderLine, Subscription
from orders.subscriptions.past_due import fall_past_due, tell_ended

ENDED_AT_ONCE = 500


def orders_past_term(uow: UnitOfWork) -> Sequence[UUID]:
    """Orders with a subscription whose last term is over, the longest over first."""
    over = (
        select(OrderLine.order_id)
        .join(Subscription, Subscription.order_line_id == OrderLine.id)
        .where(
            state_in(Subscription.state, "active"),
            Subscription.ends_at <= clock.now(),
            lives_now(Subscription.buyer_org_id),
            # What was missed of its renewal comes first.
            or_(
                Subscription.auto_renew.is_(False),
                Subscription.next_step_at.is_(None),
                Subscription.next_step_at > clock.now(),
            ),
        )
        .order_by(Subscription.ends_at, Subscription.id)
        .limit(ENDED_AT_ONCE)
    )
    return tuple(dict.fromkeys(uow.session.scalars(over)))


def end_past_term(uow: UnitOfWork, order_id: UUID) -> bool:
    """End the subscriptions of an order whose last term is over, and what they gave. Returns False when none is.

    An order of which nothing is left to accept or to use is complete. Idempotent by the state.

    Locks: the order, its subscriptions, their entitlements. Emits: EntitlementEnded, SubscriptionEnded.
    """
    order = find_locked_order(uow, order_id)
    if order is None:
        return False
    found = subscriptions_of(uow, order.id)
    over = [one for one in found if _is_over(one)]
    given = {one.line.id: one.entitlement for one in deliveries_of(uow, order.id)}
    unpaid = _unpaid_renewals(uow, over)
    for subscription in over:
        if subscription.id in unpaid:
            given_now = given[subscription.order_line_id]
            assert given_now is not None  # noqa: S101 - a subscription begins with what its line gave
            fall_past_due(uow, subscription, given_now)
            continue
        reason = "contract_over" if subscription.contract_terms_left == 0 else "term_over"
        SUBSCRIPTION.move(uow, subscription, "ended", org_ids=order.parties, reason=reason)
        subscription.next_step_at = None
        tell_ended(uow, subscription, reason)
        entitlement = given[subscription.order_line_id]
        assert entitlement is not None  # noqa: S101 - a subscription begins with what its line gave
        end_entitlement(uow, entitlement.id, reason="term_over")
    if over and order.state == "active" and order.deadline_at is None:
        complete_when_over(uow, order, reason="term_over")
    return bool(over)


def _is_over(subscription: Subscription) -> bool:
    now, next_step_at = clock.now(), subscription.next_step_at
    waits = subscription.auto_renew and next_step_at is not None and next_step_at <= now
    return subscription.state == "active" and subscription.ends_at <= now and not waits


def _unpaid_renewals(uow: UnitOfWork, subscriptions: Sequence[Subscription]) -> set[UUID]:
    """Those whose next term was asked money for that has not come, or that an approver has yet to decide on."""
    statement = (
        select(Subscription.id)
        .join(Purchase, Purchase.quote_id == Subscription.renewal_quote_id)
        # The money of a trial that was bought by hand is waited for until the trial ends.
        .where(
            Subscription.id.in_([one.id for one in subscriptions]),
            Purchase.state.in_(("pending_payment", "pending_approval")),
            Purchase.deadline_at > clock.now(),
        )
    )
    return set(uow.session.scalars(statement)) if subscriptions else set()
