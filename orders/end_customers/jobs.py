"""What follows when an end customer is one no more: nothing of what was ordered for it goes on by itself."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows
from kernel.states import state_in
from marketplace.end_customers.events import EndCustomerEnded
from orders.order.locking import find_locked_order
from orders.order.models import OrderLine, Subscription
from orders.subscriptions.calendar import take_calendar


@follows(EndCustomerEnded)
def stop_renewing(uow: UnitOfWork, fact: Payload) -> None:
    """Switch off the renewal of what is used by that end customer. Paid terms run to their ends; a term that is being paid for
    goes on.

    Locks: each order that began a subscription, then the subscription, by ascending id of the order. Idempotent by the switch.
    """
    wanted = (
        select(OrderLine.order_id, Subscription.id)
        .join(Subscription, Subscription.order_line_id == OrderLine.id)
        .join(Entitlement, Entitlement.reference == OrderLine.id)
        .where(
            Entitlement.end_customer_org_id == UUID(fact["org_id"]),
            Entitlement.end_customer_id == UUID(fact["end_customer_id"]),
            state_in(Subscription.state, "active"),
            Subscription.auto_renew,
        )
        .order_by(OrderLine.order_id, Subscription.id)
    )
    for order_id, subscription_id in uow.session.execute(wanted).all():
        find_locked_order(uow, order_id)
        subscription = uow.session.scalars(
            select(Subscription).where(Subscription.id == subscription_id).with_for_update()
        ).one()
        if subscription.state == "active" and subscription.auto_renew:
            subscription.auto_renew = False
            take_calendar(subscription)
