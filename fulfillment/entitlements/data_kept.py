"""What a buyer left in a seller's system is kept for a while after the end; before that is over, the buyer is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.events import DataRetentionEnds
from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.jobs.outbox import emit
from marketplace.test_clocks.own_time import lives_now

NOTICED_BEFORE = timedelta(days=7)
"""Time enough to export what is still wanted. What is kept for less is told at once."""
AT_ONCE = 200


def data_notices_due(uow: UnitOfWork, limit: int = AT_ONCE) -> Sequence[UUID]:
    """Ended entitlements whose data are kept for another week at most, and whose buyer has not been told; the first first."""
    until = Entitlement.data_kept_until
    return uow.session.scalars(
        select(Entitlement.id)
        .where(
            until.is_not(None),
            Entitlement.data_noticed_at.is_(None),
            until <= clock.now() + NOTICED_BEFORE,
            until > clock.now(),
            lives_now(Entitlement.buyer_org_id),
        )
        .order_by(until, Entitlement.id)
        .limit(limit)
    ).all()


def notice_data_kept(uow: UnitOfWork, entitlement_id: UUID) -> bool:
    """Let the buyer be told, once. Returns False when that was done meanwhile.

    Locks: the entitlement. Emits: DataRetentionEnds. Idempotent by the mark on it.
    """
    row = lock_row(uow.session, Entitlement, entitlement_id)
    if row is None or row.data_kept_until is None or row.data_noticed_at is not None:
        return False
    row.data_noticed_at = clock.now()
    emit(
        uow,
        DataRetentionEnds(entitlement_id=row.id, buyer_org_id=row.buyer_org_id, seller_org_id=row.seller_org_id),
    )
    return True
