"""Start the hold of a line's shares: what was sold has been delivered."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from billing.shares.models import Share
from kernel.db.locks import lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound


def mark_delivered(uow: UnitOfWork, reference: UUID, *, at: datetime) -> None:
    """The line `reference` was delivered at `at`: its entitlement is active, or its milestone was accepted.

    From then on the hold of the pinned terms runs; after it the shares may be paid out.

    Raises:
        NotFound: `charge_not_found`.

    Locks: the line's shares.
    Idempotent by: the line; the first delivery counts.
    """
    ids = uow.session.scalars(select(Share.id).where(Share.reference == reference)).all()
    if not ids:
        raise NotFound("charge_not_found")
    for share in lock_rows(uow.session, Share, ids):
        if share.delivered_at is None:
            share.delivered_at = at
            share.releasable_at = at + timedelta(days=share.hold_days)
    uow.flush()
