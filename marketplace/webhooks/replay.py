"""Send again: one delivery, all of a time, or a test."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.webhooks.event_types import TEST, WebhookTested
from marketplace.webhooks.models import OutgoingEvent, WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.record_events import NewEvent, record_events, wake
from marketplace.webhooks.save_endpoint import own_endpoint

MOST_REPLAYED = 10_000
"""Events of one replay; who wants more asks for a part of the time after another."""
TESTED_WITHIN = timedelta(seconds=10)
"""Whoever asks for a test again so soon pressed twice."""
_COUNT = """
    SELECT count(*) FROM (
        SELECT 1 FROM marketplace.outgoing_event e
        LEFT JOIN marketplace.webhook_delivery d ON d.event_id = e.id AND d.endpoint_id = $1
        WHERE e.org_id = $2 AND e.occurred_at >= $3 AND e.occurred_at < $4 AND $5::jsonb ? e.type
          AND (d.state IS NULL OR d.state = 'failed' OR (d.state = 'delivered' AND $6)) LIMIT $7
    ) wanted
"""
_REPLAY = """
    INSERT INTO marketplace.webhook_delivery AS d
        (id, org_id, endpoint_id, event_id, state, next_attempt_at, created_at)
    SELECT gen_random_uuid(), e.org_id, $1, e.id, 'pending', $7::timestamptz, $7::timestamptz
    FROM marketplace.outgoing_event e
    WHERE e.org_id = $2 AND e.occurred_at >= $3 AND e.occurred_at < $4 AND $5::jsonb ? e.type
    ORDER BY e.position
    ON CONFLICT (endpoint_id, event_id) DO UPDATE
    SET state = 'pending', tries = 0, failure = NULL, ended_at = NULL, next_attempt_at = excluded.next_attempt_at
    WHERE d.state = 'failed' OR (d.state = 'delivered' AND $6)
    RETURNING d.id
"""


def replay_delivery(uow: UnitOfWork, endpoint_id: UUID, delivery_id: UUID) -> None:
    """Let one delivery be sent again, at once and through the whole schedule. One that waits is sent at once.

    Raises: Forbidden, NotFound, Conflict `webhook_endpoint_off`. Locks: the endpoint, the delivery. Idempotent by the state.
    """
    endpoint = _active(uow, endpoint_id)
    row = lock_row(uow.session, WebhookDelivery, delivery_id)
    if row is None or row.endpoint_id != endpoint.id:
        raise NotFound("not_found")
    if row.state != "pending":
        row.tries, row.failure, row.ended_at = 0, None, None
    row.state, row.next_attempt_at = "pending", clock.now()
    _send_now(uow, endpoint)
    audit.record(uow, "webhook_delivery.replayed", subject_id=row.id)


def replay_range(
    uow: UnitOfWork, endpoint_id: UUID, *, since: datetime, until: datetime, also_delivered: bool = False
) -> int:
    """Send what happened in [since, until) of the types the endpoint wants and it has not taken. Returns how many.

    What happened before the endpoint was there, or while it was switched off, is sent too. With `also_delivered` what it
    took is sent again. What waits stays as it is.

    Raises: Forbidden, NotFound, Conflict `webhook_endpoint_off`, Invalid `webhook_range_empty`, `webhook_range_too_large`
        (nothing was changed). Locks: the endpoint, the deliveries.
    """
    endpoint = _active(uow, endpoint_id)
    if since >= until:
        raise Invalid("webhook_range_empty", field="since")
    uow.flush()
    wanted = (endpoint.id, endpoint.org_id, since, until, Jsonb(endpoint.types), also_delivered)
    uow.cursor.execute(_COUNT, (*wanted, MOST_REPLAYED + 1))
    counted = uow.cursor.fetchone()
    if counted is not None and counted[0] > MOST_REPLAYED:
        raise Invalid("webhook_range_too_large", field="since", most=MOST_REPLAYED)
    uow.cursor.execute(_REPLAY, (*wanted, clock.now()))
    count = len(uow.cursor.fetchall())
    if count:
        _send_now(uow, endpoint)
    audit.record(uow, "webhook_endpoint.replayed", subject_id=endpoint.id, events=count)
    return count


def test_endpoint(uow: UnitOfWork, endpoint_id: UUID) -> UUID:
    """Send a test there. Returns its delivery; asked twice within `TESTED_WITHIN`, or while one waits, the one there is.

    Raises: Forbidden, NotFound, Conflict `webhook_endpoint_off`. Locks: the endpoint, the organization's log.
    """
    endpoint = _active(uow, endpoint_id)
    latest = uow.session.scalar(
        select(WebhookDelivery)
        .join(OutgoingEvent, OutgoingEvent.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.endpoint_id == endpoint.id, OutgoingEvent.type == TEST)
        .order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc())
        .limit(1)
    )
    if latest is not None and latest.state == "pending":
        latest.next_attempt_at = clock.now()
        _send_now(uow, endpoint)
        return latest.id
    if latest is not None and latest.created_at > clock.now() - TESTED_WITHIN:
        return latest.id
    data = WebhookTested(endpoint_id=endpoint.id, message="Nothing happened: this is a test.")
    fact_id = uuid7()
    event = NewEvent(endpoint.org_id, TEST, fact_id, endpoint.id, clock.now(), data.model_dump(mode="json"))
    uow.flush()
    (event_id,) = record_events(uow, [event])
    row = WebhookDelivery(
        id=uuid7(),
        org_id=endpoint.org_id,
        endpoint_id=endpoint.id,
        event_id=event_id,
        state="pending",
        next_attempt_at=clock.now(),
    )
    uow.session.add(row)
    _send_now(uow, endpoint)
    return row.id


def _send_now(uow: UnitOfWork, endpoint: WebhookEndpoint) -> None:
    """Somebody waits for it: an endpoint that rests is asked at once."""
    endpoint.rests_until = None
    uow.flush()
    wake(uow, [endpoint.id])


def _active(uow: UnitOfWork, endpoint_id: UUID) -> WebhookEndpoint:
    endpoint = own_endpoint(uow, endpoint_id)
    if endpoint.state != "active":
        raise Conflict("webhook_endpoint_off")
    return endpoint
