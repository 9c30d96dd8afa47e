"""Send what is due at one endpoint: signed, in order, one call after another, until one fails.

One job works for one endpoint, and there is never a second of it (`kernel.job`'s own key). So no delivery is sent twice at a
time, a slow endpoint binds one thread, and what waits for it never stands before what waits for another.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import JobSignal, UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again
from kernel.logs import redact_text
from kernel.outbound import BreakerOpen, EndpointBusy, OutboundClient, OutboundError, OutboundResponse
from kernel.secrets import SecretBox
from kernel.signing import sign_webhook
from kernel.states import state_in
from marketplace.webhooks.envelope import CONTENT_TYPE, encoded, message_id
from marketplace.webhooks.models import OutgoingEvent, WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.save_endpoint import disable, forgive, signing_secrets
from marketplace.webhooks.schedule import DISABLED_AFTER, next_wait, rest_after

TIMEOUT_S = 10.0
BATCH = 200
BATCH_S = 4.0
"""After so long no further call of a batch begins: what it did is written down, and others have their turn."""
EXCERPT = 1_000
GONE = 410
_ATTEMPTS = """
    INSERT INTO marketplace.webhook_attempt
        (id, org_id, delivery_id, number, succeeded, status, reason, answered, elapsed_ms, started_at)
    SELECT n.id, d.org_id, d.id, d.attempts + 1, n.succeeded, n.status, n.reason, n.answered, n.elapsed_ms, n.started_at
    FROM jsonb_populate_recordset(NULL::marketplace.webhook_attempt, $1) n
    JOIN marketplace.webhook_delivery d ON d.id = n.delivery_id
"""
_ENDED = """
    UPDATE marketplace.webhook_delivery SET attempts = attempts + 1, tries = tries + 1, state = 'delivered', failure = NULL,
           next_attempt_at = NULL, ended_at = $2
    WHERE id = ANY($1)
"""
_FAILED = """
    UPDATE marketplace.webhook_delivery SET attempts = attempts + 1, tries = tries + 1,
           state = CASE WHEN state = 'pending' AND $2::timestamptz IS NULL THEN 'failed' ELSE state END,
           failure = CASE WHEN state = 'pending' AND $2::timestamptz IS NULL THEN 'exhausted' ELSE failure END,
           ended_at = CASE WHEN state = 'pending' AND $2::timestamptz IS NULL THEN $3 ELSE ended_at END,
           next_attempt_at = CASE WHEN state = 'pending' THEN $2::timestamptz END
    WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery as it is sent."""

    delivery_id: UUID
    tries: int
    message_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent to one endpoint now."""

    endpoint_id: UUID
    url: str
    secrets: tuple[str, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """One call that was made."""

    delivery_id: UUID
    succeeded: bool
    status: int | None
    reason: str | None
    answered: str
    elapsed_ms: int | None
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """The calls of a batch, in order; the last may have failed. `rest_s`: the endpoint was not called, and rests so long."""

    outcomes: tuple[CallOutcome, ...]
    rest_s: float | None = None


class DeliverWebhooks:
    """The steps of the job of one endpoint."""

    def __init__(self, client: OutboundClient, box: SecretBox, public_url: str) -> None:
        self._client = client
        self._box = box
        self._public_url = public_url

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> Batch | None:
        """What is due; None when nothing is, or the endpoint rests or takes nothing."""
        row = uow.session.get(WebhookEndpoint, UUID(claim.payload["endpoint_id"]))
        if row is None or row.state != "active" or (row.rests_until is not None and row.rests_until > clock.now()):
            return None
        due = (
            select(WebhookDelivery.id, WebhookDelivery.tries, OutgoingEvent)
            .join(OutgoingEvent, OutgoingEvent.id == WebhookDelivery.event_id)
            .where(
                WebhookDelivery.endpoint_id == row.id,
                state_in(WebhookDelivery.state, "pending"),
                WebhookDelivery.next_attempt_at <= clock.now(),
            )
            .order_by(WebhookDelivery.next_attempt_at, OutgoingEvent.position)
            # One that failed last time is asked with a single call.
            .limit(1 if row.failures else BATCH)
        )
        messages = tuple(
            Message(delivery_id, tries, message_id(event), encoded(event, self._public_url))
            for delivery_id, tries, event in uow.session.execute(due)
        )
        if not messages:
            return None
        return Batch(row.id, row.url, signing_secrets(row, self._box), messages)

    def call(self, request: Batch) -> Sent:
        """Call until one call fails, or for `BATCH_S`."""
        until_s, outcomes = time.monotonic() + BATCH_S, []
        for message in request.messages:
            try:
                outcomes.append(self._send(request, message))
            except (BreakerOpen, EndpointBusy) as error:
                return Sent(tuple(outcomes), error.retry_after_s)
            if not outcomes[-1].succeeded or time.monotonic() > until_s:
                break
        return Sent(tuple(outcomes))

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: Batch, answer: Sent) -> Again | None:
        """Write down what was answered. Locks: the endpoint, then its deliveries."""
        row = lock_row(uow.session, WebhookEndpoint, request.endpoint_id)
        assert row is not None  # noqa: S101 - endpoints are never deleted
        now, outcomes = clock.now(), answer.outcomes
        if outcomes:
            self._write(uow, row, request, outcomes)
        if answer.rest_s is not None:
            row.rests_until = now + timedelta(seconds=answer.rest_s)
        uow.flush()
        is_all = len(outcomes) == len(request.messages) < BATCH and not row.failures
        if is_all or row.state != "active" or row.rests_until is not None:
            return None
        # Without this signal the worker would find it a second later.
        uow.signals.append(JobSignal("default", claim.id, claim.kind))
        return Again(timedelta(), "more may be due")

    def _send(self, request: Batch, message: Message) -> CallOutcome:
        started_at = clock.now()
        headers = {"content-type": CONTENT_TYPE, **sign_webhook(request.secrets, message.message_id, message.body)}
        name = f"webhook:{request.endpoint_id}"
        try:
            response = self._client.post(request.url, message.body, headers, TIMEOUT_S, in_name_of=name)
        except (BreakerOpen, EndpointBusy):
            raise
        except OutboundError as error:
            return CallOutcome(message.delivery_id, False, None, error.reason, "", None, started_at)
        return _read(message, response, started_at)

    def _write(self, uow: UnitOfWork, row: WebhookEndpoint, request: Batch, outcomes: Sequence[CallOutcome]) -> None:
        now = clock.now()
        taken = [one.delivery_id for one in outcomes if one.succeeded]
        attempts: list[dict[str, Any]] = [{"id": uuid7(), **asdict(one)} for one in outcomes]
        uow.cursor.execute(_ATTEMPTS, (Jsonb(attempts),))
        if taken:
            uow.cursor.execute(_ENDED, (taken, now))
            forgive(row)
        last = outcomes[-1]
        if last.succeeded:
            return
        tries = next(one.tries for one in request.messages if one.delivery_id == last.delivery_id) + 1
        wait = next_wait(tries)
        uow.cursor.execute(_FAILED, (last.delivery_id, None if wait is None else now + wait, now))
        row.failures += 1
        row.failing_since = row.failing_since or last.started_at
        rest = rest_after(row.failures)
        row.rests_until = None if rest is None else now + rest
        if row.state == "active" and (last.status == GONE or now - row.failing_since >= DISABLED_AFTER):
            disable(uow, row, "gone" if last.status == GONE else "failures")


def _read(message: Message, response: OutboundResponse, started_at: datetime) -> CallOutcome:
    succeeded = 200 <= response.status < 300
    answered = redact_text(response.body[:EXCERPT].decode("utf-8", "replace").replace("\x00", ""))
    reason = None if succeeded else f"http_{response.status}"
    return CallOutcome(
        message.delivery_id, succeeded, response.status, reason, answered, response.elapsed_ms, started_at
    )
