"""Give facts their place in the log of each organization that they concern, and deliver them to whoever asked for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue

DELIVER = "marketplace.webhooks.deliver"
"""The job that sends what is due at one endpoint."""
_ENDPOINTS = "SELECT id FROM marketplace.webhook_endpoint WHERE org_id = ANY($1) AND state = 'active'"
"""One that is switched off between this look and its deliveries has them given up by `wake_due`: it is not held, as whoever
writes down what was answered holds several."""
_POSITIONS = """
    INSERT INTO marketplace.event_log AS log (org_id, last_position)
    SELECT org_id, added FROM unnest($1::uuid[], $2::bigint[]) AS new(org_id, added) ORDER BY org_id
    ON CONFLICT (org_id) DO UPDATE SET last_position = log.last_position + excluded.last_position
    RETURNING org_id, last_position
"""
_EVENTS = """
    INSERT INTO marketplace.outgoing_event (id, org_id, position, type, fact_id, subject_id, data, occurred_at, created_at)
    SELECT id, org_id, position, type, fact_id, subject_id, data, occurred_at, created_at
    FROM jsonb_populate_recordset(NULL::marketplace.outgoing_event, $1)
"""
_DELIVERIES = """
    INSERT INTO marketplace.webhook_delivery (id, org_id, endpoint_id, event_id, state, next_attempt_at, created_at)
    SELECT gen_random_uuid(), p.org_id, p.id, e.id, 'pending', $3::timestamptz, $3::timestamptz
    FROM marketplace.webhook_endpoint p JOIN marketplace.outgoing_event e ON e.org_id = p.org_id AND p.types ? e.type
    WHERE p.id = ANY($1) AND e.id = ANY($2)
    ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING endpoint_id
"""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One fact as one organization may know it."""

    org_id: UUID
    type: str
    fact_id: UUID
    subject_id: UUID
    occurred_at: datetime
    data: dict[str, Any]
    """JSON's own types."""


def record_events(uow: UnitOfWork, events: Sequence[NewEvent]) -> list[UUID]:
    """Write events in this order, each behind its organization's last, and a delivery for every endpoint that wants it.

    Returns their ids. Raises IntegrityError for one that is there already. Locks: the logs of the organizations, by id;
    whoever comes later writes later, so that who reads up to a position has missed nothing.
    """
    if not events:
        return []
    added = Counter(event.org_id for event in events)
    wanted = sorted(added)
    endpoints = [row[0] for row in uow.cursor.execute(_ENDPOINTS, (wanted,)).fetchall()]
    last = dict(uow.cursor.execute(_POSITIONS, (wanted, [added[org_id] for org_id in wanted])).fetchall())
    place = {org_id: last[org_id] - added[org_id] for org_id in wanted}
    now, rows = clock.now(), []
    for event in events:
        place[event.org_id] += 1
        rows.append(
            {
                "id": uuid7(),
                "org_id": event.org_id,
                "position": place[event.org_id],
                "type": event.type,
                "fact_id": event.fact_id,
                "subject_id": event.subject_id,
                "data": event.data,
                "occurred_at": event.occurred_at,
                "created_at": now,
            }
        )
    ids = [row["id"] for row in rows]
    uow.cursor.execute(_EVENTS, (Jsonb(rows),))
    if endpoints:
        made = uow.cursor.execute(_DELIVERIES, (endpoints, ids, now)).fetchall()
        wake(uow, {row[0] for row in made})
    return ids


def wake(uow: UnitOfWork, endpoint_ids: Iterable[UUID]) -> None:
    """Have what is due sent. Where a job of the endpoint is running already, `wake_due` looks again."""
    for endpoint_id in sorted(endpoint_ids):
        enqueue(uow, DELIVER, {"endpoint_id": str(endpoint_id)}, dedupe_key=str(endpoint_id))
