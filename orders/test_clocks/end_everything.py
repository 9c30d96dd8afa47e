"""A test organization whose clock is deleted has nothing any more."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text

from fulfillment.entitlements.models import Entitlement
from kernel.clock import OwnTime
from kernel.db.locks import lock_row
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.settle_each import settle_each
from marketplace.parties.models import ORGANIZATION, Organization
from marketplace.test_clocks.models import TEST_CLOCK, TestClock
from orders.checkout.decide_purchase import close_unpaid
from orders.checkout.locking import find_locked_purchase
from orders.checkout.models import Purchase
from orders.order.models import Subscription
from orders.subscriptions.past_due import lock_renewal, terminate
from orders.subscriptions.renew import lock_subscription
from orders.test_clocks.due_instants import queues_of

REASON = "test_clock_deleted"
_BATCH = 1_000


def end_everything(transact: Transact, own: OwnTime) -> None:
    """End its subscriptions and what it was about to buy. Runs at its own time; its sellers' systems are told by jobs."""

    def open_purchases(uow: UnitOfWork) -> list[UUID]:
        wanted = select(Purchase.id).where(
            Purchase.buyer_org_id == own.org_id, Purchase.state.in_(("pending_approval", "pending_payment"))
        )
        return list(uow.session.scalars(wanted.order_by(Purchase.id).limit(_BATCH)))

    def subscriptions(uow: UnitOfWork) -> list[UUID]:
        wanted = select(Subscription.id).where(Subscription.buyer_org_id == own.org_id, Subscription.state != "ended")
        return list(uow.session.scalars(wanted.order_by(Subscription.id).limit(_BATCH)))

    settle_each(transact, subscriptions, _end)
    settle_each(transact, open_purchases, _close)


def forget_clock(uow: UnitOfWork, own: OwnTime) -> bool:
    """Nobody acts for the organization any more, and nothing of it is left to do. Locks: the clock, the organization."""
    row = lock_row(uow.session, TestClock, own.clock_id)
    organization = lock_row(uow.session, Organization, own.org_id)
    if row is None or organization is None or row.state != "deleting":
        return False
    TEST_CLOCK.move(uow, row, "deleted", org_ids=[row.org_id])
    ORGANIZATION.move(uow, organization, "suspended", org_ids=[organization.id], reason=REASON)
    uow.session.execute(text("DELETE FROM kernel.job WHERE queue = ANY(:queues)"), {"queues": queues_of(own)})
    return True


def _end(uow: UnitOfWork, subscription_id: UUID) -> bool:
    renewal = lock_renewal(uow, subscription_id)
    found = lock_subscription(uow, subscription_id)
    if found is None or found[0].state == "ended":
        return False
    subscription, line, began = found
    entitlement = uow.session.scalars(select(Entitlement).where(Entitlement.reference == line.id)).one()
    terminate(uow, subscription, began, renewal, entitlement, reason=REASON)
    return True


def _close(uow: UnitOfWork, purchase_id: UUID) -> bool:
    purchase = find_locked_purchase(uow, purchase_id)
    if purchase is None or purchase.state not in ("pending_approval", "pending_payment"):
        return False
    close_unpaid(uow, purchase, "expired", reason=REASON)
    return True
