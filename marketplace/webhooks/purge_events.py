"""Forget events that nobody can ask for any more, with what was sent of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from kernel import clock
from kernel.db.uow import UnitOfWork

RETENTION: Final = timedelta(days=60)
"""How long an event can be read and replayed; what waits to be delivered is kept beyond."""
BATCH = 1_000
_OLD = """
    WITH old AS (
        SELECT e.id FROM marketplace.outgoing_event e
        WHERE e.created_at < $1
          AND NOT EXISTS (SELECT 1 FROM marketplace.webhook_delivery d WHERE d.event_id = e.id AND d.state = 'pending')
        ORDER BY e.created_at LIMIT $2
    ), attempts AS (
        DELETE FROM marketplace.webhook_attempt a USING marketplace.webhook_delivery d, old
        WHERE d.event_id = old.id AND a.delivery_id = d.id
    ), deliveries AS (
        DELETE FROM marketplace.webhook_delivery d USING old WHERE d.event_id = old.id
    )
    DELETE FROM marketplace.outgoing_event e USING old WHERE e.id = old.id RETURNING e.id
"""


def purge_old_events(uow: UnitOfWork) -> int:
    """Forget the oldest that are older than `RETENTION`. Returns how many; as many as `BATCH`: there are more."""
    return len(uow.cursor.execute(_OLD, (clock.now() - RETENTION, BATCH)).fetchall())
