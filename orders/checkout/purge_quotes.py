"""Quotes that nobody accepted: every look at a purchase sheet leaves one."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from orders.checkout.quote_models import Quote

KEPT = timedelta(days=30)
"""After it expired, a quote can still be looked up for as long as an idempotency key may ask for it."""
AT_ONCE = 10_000


def purge_unused(uow: UnitOfWork) -> None:
    """Delete expired quotes that were never used, some at a time. One that was used is its purchase's for good."""
    old = select(Quote.id).where(Quote.used_at.is_(None), Quote.expires_at < clock.now() - KEPT).limit(AT_ONCE)
    uow.session.execute(delete(Quote).where(Quote.id.in_(old)).execution_options(synchronize_session=False))
