"""The calls to the gateway for one refund."""

from __future__ import annotations

from sqlalchemy import select

from billing.refunds.models import Refund, RefundAttempt
from kernel.db.uow import UnitOfWork


def last_attempt(uow: UnitOfWork, refund: Refund) -> RefundAttempt:
    """The attempt that decides about a refund: earlier ones have come back."""
    return uow.session.scalars(
        select(RefundAttempt).where(RefundAttempt.refund_id == refund.id).order_by(RefundAttempt.number.desc()).limit(1)
    ).one()
