"""Quotes that nobody accepted: every look at a purchase sheet leaves one."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, exists, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.test_clocks.own_time import lives_now
from orders.checkout.quote_models import Quote
from orders.order.models import Subscription

KEPT = timedelta(days=30)
"""After it expired, a quote can still be looked up for as long as an idempotency key may ask for it."""
AT_ONCE = 10_000


def purge_unused(uow: UnitOfWork) -> None:
    """Delete expired quotes that were never used, some at a time. One that was used is its purchase's for good, one
    that told the price of a next term its subscription's.
    """
    kept = exists().where(Subscription.buyer_org_id == Quote.buyer_org_id, Subscription.renewal_quote_id == Quote.id)
    old = (
        select(Quote.id)
        .where(Quote.used_at.is_(None), Quote.expires_at < clock.now() - KEPT, ~kept, lives_now(Quote.buyer_org_id))
        .limit(AT_ONCE)
    )
    uow.session.execute(delete(Quote).where(Quote.id.in_(old)).execution_options(synchronize_session=False))
