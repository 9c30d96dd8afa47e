"""What was counted before: identifiers, what is left of corrected events, sums of periods, and the buyers' caps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select

from fulfillment.usage.models import UsageCap, UsageDay
from kernel.db.uow import UnitOfWork

_KEYS = "SELECT id, content FROM fulfillment.usage_key WHERE seller_org_id = $1 AND id = ANY($2::uuid[])"
# By the key's instant: one partition is looked into for each.
_ORIGINALS = """
    SELECT e.id, e.period_id, e.dimension, e.occurred_at,
           e.quantity + coalesce((SELECT sum(c.quantity) FROM fulfillment.usage_event c WHERE c.corrects_id = e.id), 0)
    FROM fulfillment.usage_key k JOIN fulfillment.usage_event e ON e.id = k.id AND e.occurred_at = k.occurred_at
    WHERE k.seller_org_id = $1 AND k.id = ANY($2::uuid[]) AND e.corrects_id IS NULL
"""


@dataclass(slots=True)
class Original:
    """An event that may be corrected, and what is left of it."""

    id: UUID
    period_id: UUID
    dimension: str
    day: date
    left: Decimal


@dataclass(frozen=True, slots=True)
class Counted:
    """What a batch is held against; `keys` and `sums` grow with it."""

    keys: dict[UUID, bytes]
    sums: dict[tuple[UUID, str], Decimal]
    """By period and dimension."""
    caps: dict[tuple[UUID, str], UsageCap]
    """By entitlement and dimension."""


def read_originals(uow: UnitOfWork, seller: UUID, ids: Collection[UUID]) -> dict[UUID, Original]:
    """Those of the identifiers that are events of the seller, and no corrections themselves."""
    if not ids:
        return {}
    rows = uow.cursor.execute(_ORIGINALS, (seller, list(ids))).fetchall()
    return {row[0]: Original(row[0], row[1], row[2], row[3].astimezone(UTC).date(), row[4]) for row in rows}


def read_counted(
    uow: UnitOfWork, seller: UUID, ids: Sequence[UUID], period_ids: Sequence[UUID], entitlement_ids: Sequence[UUID]
) -> Counted:
    """What is there now, once the periods are locked."""
    keys = {row[0]: bytes(row[1]) for row in uow.cursor.execute(_KEYS, (seller, list(ids))).fetchall()}
    caps = uow.session.scalars(select(UsageCap).where(UsageCap.entitlement_id.in_(entitlement_ids)))
    return Counted(keys, sums_of(uow, period_ids), {(cap.entitlement_id, cap.dimension): cap for cap in caps})


def sums_of(uow: UnitOfWork, period_ids: Collection[UUID]) -> dict[tuple[UUID, str], Decimal]:
    """What was used in each period, by dimension."""
    rows = uow.session.execute(
        select(UsageDay.period_id, UsageDay.dimension, func.sum(UsageDay.quantity).label("quantity"))
        .where(UsageDay.period_id.in_(period_ids))
        .group_by(UsageDay.period_id, UsageDay.dimension)
    )
    return {(row.period_id, row.dimension): row.quantity for row in rows}
