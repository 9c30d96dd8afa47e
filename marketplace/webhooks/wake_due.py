"""Find the endpoints at which something is due: a pause is over, a rest has ended, a job ran while more came."""

from __future__ import annotations

from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.webhooks.record_events import wake

_DUE = """
    SELECT p.id FROM marketplace.webhook_endpoint p
    WHERE p.state = 'active' AND (p.rests_until IS NULL OR p.rests_until <= $1)
      AND EXISTS (SELECT 1 FROM marketplace.webhook_delivery d
                  WHERE d.endpoint_id = p.id AND d.state = 'pending' AND d.next_attempt_at <= $1)
      AND NOT EXISTS (SELECT 1 FROM kernel.job j
                      WHERE j.kind = 'marketplace.webhooks.deliver' AND j.dedupe_key = CAST(p.id AS text))
"""


_LEFT = """
    UPDATE marketplace.webhook_delivery d SET state = 'failed', next_attempt_at = NULL, ended_at = $1,
           failure = CASE p.state WHEN 'removed' THEN 'endpoint_removed' ELSE 'endpoint_disabled' END
    FROM marketplace.webhook_endpoint p
    WHERE p.state <> 'active' AND d.endpoint_id = p.id AND d.state = 'pending'
"""
"""What was written while its endpoint was being switched off."""


def wake_due(uow: UnitOfWork) -> int:
    """Have what is due sent, at each endpoint of which no job exists. Returns at how many."""
    uow.cursor.queue(_LEFT, (clock.now(),))
    found = [row[0] for row in uow.cursor.execute(_DUE, (clock.now(),)).fetchall()]
    wake(uow, found)
    return len(found)
