"""Start the hold of a line's shares: what was sold has been delivered."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from billing.shares.models import Share
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound

_SHARES = Read(
    select(Share)
    .where(
        Share.reference == bindparam("reference"),
        Share.part_reference.is_not_distinct_from(bindparam("part", type_=Uuid)),
    )
    .order_by(Share.id)
    .with_for_update(key_share=True)
)


def ask_shares(uow: UnitOfWork, reference: UUID) -> None:
    """Ask ahead what `mark_delivered` takes; the caller holds the order of the line."""
    uow.ask_ahead(_SHARES, reference=reference, part=None)


def mark_delivered(uow: UnitOfWork, reference: UUID, *, at: datetime, part: UUID | None = None) -> None:
    """The line `reference` was delivered at `at`: its entitlement is active; or `part`, a milestone of it, was accepted.

    From then on the hold of the pinned terms runs; after it the shares may be paid out.

    Raises:
        NotFound: `charge_not_found`.

    Locks: the line's shares.
    Idempotent by: the line and milestone; the first delivery counts.
    """
    shares: list[Share] = uow.fetch(_SHARES, reference=reference, part=part)
    if not shares:
        raise NotFound("charge_not_found")
    for share in shares:
        if share.delivered_at is None:
            share.delivered_at = at
            share.releasable_at = at + timedelta(days=share.hold_days)
