"""The rows of what was counted, many in one statement: identifiers, events, sums by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from fulfillment.usage.models import UsagePeriod
from kernel import clock
from kernel.db.uow import UnitOfWork

# In the order of the identifiers, so that two batches with the same ones cannot cross.
_KEYS = """
    INSERT INTO fulfillment.usage_key (seller_org_id, id, content, occurred_at)
    SELECT $1, * FROM unnest($2::uuid[], $3::bytea[], $4::timestamptz[]) AS new (id, content, occurred_at) ORDER BY id
    ON CONFLICT DO NOTHING RETURNING id
"""
_EVENTS = """
    INSERT INTO fulfillment.usage_event (seller_org_id, received_at, id, occurred_at, buyer_org_id, period_id, dimension,
                                         quantity, source_id, corrects_id)
    SELECT $1, $2, * FROM unnest($3::uuid[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::text[], $8::numeric[],
                                 $9::text[], $10::uuid[])
"""
# A day is begun with nothing: what is added may be below zero, which no row may be.
_DAYS_BEGUN = """
    INSERT INTO fulfillment.usage_day (seller_org_id, period_id, dimension, day, buyer_org_id, quantity, events)
    SELECT $1, *, 0, 0 FROM unnest($2::uuid[], $3::text[], $4::date[], $5::uuid[]) ON CONFLICT DO NOTHING
"""
_DAYS_ADDED = """
    UPDATE fulfillment.usage_day d SET quantity = d.quantity + more.quantity, events = d.events + more.events
    FROM unnest($1::uuid[], $2::text[], $3::date[], $4::numeric[], $5::bigint[])
        AS more (period_id, dimension, day, quantity, events)
    WHERE d.period_id = more.period_id AND d.dimension = more.dimension AND d.day = more.day
"""


@dataclass(frozen=True, slots=True)
class NewUsage:
    """An event that counts. `number`: its place in the batch; `day`: to which of the period's days it is added."""

    number: int
    id: UUID
    content: bytes
    time: datetime
    period: UsagePeriod
    dimension: str
    quantity: Decimal
    source_id: str
    corrects_id: UUID | None
    day: date


def store_keys(uow: UnitOfWork, seller: UUID, new: Sequence[NewUsage]) -> set[int]:
    """Take the identifiers. Returns the numbers of those that were taken meanwhile. Waits for whoever is taking the same."""
    if not new:
        return set()
    values = (seller, [one.id for one in new], [one.content for one in new], [one.time for one in new])
    taken = {row[0] for row in uow.cursor.execute(_KEYS, values).fetchall()}
    return {one.number for one in new if one.id not in taken}


def store_usage(uow: UnitOfWork, new: Sequence[NewUsage]) -> None:
    """Keep the events, and add them to their days. The periods are locked, so that nobody adds to the same days."""
    if not new:
        return
    seller = new[0].period.seller_org_id
    uow.cursor.queue(
        _EVENTS,
        (
            seller,
            clock.now(),
            [one.id for one in new],
            [one.time for one in new],
            [one.period.buyer_org_id for one in new],
            [one.period.id for one in new],
            [one.dimension for one in new],
            [one.quantity for one in new],
            [one.source_id for one in new],
            [one.corrects_id for one in new],
        ),
    )
    days: dict[tuple[UUID, str, date], list[NewUsage]] = defaultdict(list)
    for one in new:
        days[one.period.id, one.dimension, one.day].append(one)
    places = list(zip(*days, strict=True))
    buyers = [found[0].period.buyer_org_id for found in days.values()]
    uow.cursor.queue(_DAYS_BEGUN, (seller, *map(list, places), buyers))
    sums = [sum((one.quantity for one in found), Decimal(0)) for found in days.values()]
    uow.cursor.execute(_DAYS_ADDED, (*map(list, places), sums, [len(found) for found in days.values()]))
