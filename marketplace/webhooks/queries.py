"""What an organization may know of its endpoints, of what was sent there, and of what happened."""

from __future__ import annotations

from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, bounded, cut, newest_first
from kernel.states import state_in
from marketplace.webhooks.envelope import envelope, message_id
from marketplace.webhooks.event_types import TEST, readable_types
from marketplace.webhooks.models import EventLog, OutgoingEvent, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from marketplace.webhooks.save_endpoint import MANAGE
from marketplace.webhooks.views import AttemptView, DeliveryView, EndpointView, EventsRead, secret_tag

MOST_COUNTED = 1_000
DeliveryState = Literal["pending", "delivered", "failed"]


def endpoints_of(uow: UnitOfWork) -> list[EndpointView]:
    """The acting organization's endpoints, the oldest first. Raises Forbidden."""
    return _endpoints(uow, None)


def get_endpoint(uow: UnitOfWork, endpoint_id: UUID) -> EndpointView:
    """One of them. Raises Forbidden, NotFound."""
    found = _endpoints(uow, endpoint_id)
    if not found:
        raise NotFound("not_found")
    return found[0]


def deliveries_of(
    uow: UnitOfWork,
    endpoint_id: UUID,
    *,
    state: DeliveryState | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[DeliveryView]:
    """What was sent to an endpoint, or waits for it, the newest first. Raises Forbidden, NotFound."""
    get_endpoint(uow, endpoint_id)
    wanted = _deliveries(uow).where(WebhookDelivery.endpoint_id == endpoint_id)
    if state is not None:
        wanted = wanted.where(state_in(WebhookDelivery.state, state))
    wanted = newest_first(wanted, WebhookDelivery.created_at, WebhookDelivery.id, cursor, limit)
    rows = [_delivery(row) for row in uow.session.execute(wanted)]
    return cut(rows, limit, lambda row: (row.created_at, row.id))


def get_delivery(uow: UnitOfWork, endpoint_id: UUID, delivery_id: UUID) -> DeliveryView:
    """One of them. Raises Forbidden, NotFound."""
    uow.principal.require(MANAGE)
    wanted = _deliveries(uow).where(WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id)
    row = uow.session.execute(wanted).one_or_none()
    if row is None:
        raise NotFound("not_found")
    return _delivery(row)


def attempts_of(uow: UnitOfWork, delivery_id: UUID) -> list[AttemptView]:
    """The calls of one's own delivery, the newest first. Raises Forbidden."""
    uow.principal.require(MANAGE)
    wanted = (
        select(WebhookAttempt)
        .where(WebhookAttempt.delivery_id == delivery_id, WebhookAttempt.org_id == uow.principal.organization())
        .order_by(WebhookAttempt.number.desc())
    )
    return [
        AttemptView(row.number, row.succeeded, row.status, row.reason, row.answered, row.elapsed_ms, row.started_at)
        for row in uow.session.scalars(wanted)
    ]


def list_events(
    uow: UnitOfWork, public_url: str, *, after: int = 0, limit: int = 20, event_type: str | None = None
) -> EventsRead:
    """The acting organization's events behind a position, in order; those alone that the principal may read.

    Nothing turns up later at or before a position that was read: events get their places one after another.
    """
    types = [name for name in readable_types(uow.principal) if event_type in (None, name)]
    size = bounded(limit)
    wanted = (
        select(OutgoingEvent)
        .where(
            OutgoingEvent.org_id == uow.principal.organization(),
            OutgoingEvent.position > after,
            OutgoingEvent.type.in_(types),
        )
        .order_by(OutgoingEvent.position)
        .limit(size + 1)
    )
    rows = list(uow.session.scalars(wanted))
    items = rows[:size]
    return EventsRead(
        [envelope(row, public_url) for row in items], items[-1].position if items else after, len(rows) > size
    )


def newest_events(uow: UnitOfWork, *, before: int | None = None, limit: int = 20) -> list[OutgoingEvent]:
    """The other way round, for people: the newest that the principal may read, before a position."""
    wanted = select(OutgoingEvent).where(
        OutgoingEvent.org_id == uow.principal.organization(), OutgoingEvent.type.in_(readable_types(uow.principal))
    )
    if before is not None:
        wanted = wanted.where(OutgoingEvent.position < before)
    return list(uow.session.scalars(wanted.order_by(OutgoingEvent.position.desc()).limit(bounded(limit))))


def get_event(uow: UnitOfWork, event_id: UUID) -> OutgoingEvent:
    """One of the acting organization's events. Raises NotFound, also for one that the principal may not read."""
    wanted = select(OutgoingEvent).where(
        OutgoingEvent.id == event_id,
        OutgoingEvent.org_id == uow.principal.organization(),
        OutgoingEvent.type.in_(readable_types(uow.principal)),
    )
    row = uow.session.scalar(wanted)
    if row is None:
        raise NotFound("not_found")
    return row


def last_position(uow: UnitOfWork) -> int:
    """Of the acting organization's newest event, 0 before the first: where a new reader may begin."""
    wanted = select(EventLog.last_position).where(EventLog.org_id == uow.principal.organization())
    return uow.session.scalar(wanted) or 0


def _endpoints(uow: UnitOfWork, endpoint_id: UUID | None) -> list[EndpointView]:
    uow.principal.require(MANAGE)
    waiting = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.endpoint_id == WebhookEndpoint.id, state_in(WebhookDelivery.state, "pending"))
        .limit(MOST_COUNTED)
        .correlate(WebhookEndpoint)
        .lateral()
    )
    counted = select(func.count()).select_from(waiting).correlate(WebhookEndpoint).scalar_subquery()
    wanted = (
        select(WebhookEndpoint, counted)
        .where(WebhookEndpoint.org_id == uow.principal.organization(), WebhookEndpoint.state != "removed")
        .order_by(WebhookEndpoint.created_at, WebhookEndpoint.id)
    )
    if endpoint_id is not None:
        wanted = wanted.where(WebhookEndpoint.id == endpoint_id)
    return [_endpoint(row, pending) for row, pending in uow.session.execute(wanted)]


def _endpoint(row: WebhookEndpoint, pending: int) -> EndpointView:
    now = clock.now()
    overlaps = row.previous_until is not None and row.previous_until > now
    rests = row.rests_until is not None and row.rests_until > now
    is_off = row.state == "disabled"
    return EndpointView(
        id=row.id,
        name=row.name,
        url=row.url,
        types=row.types,
        state="disabled" if is_off else "active",
        disabled_for=cast("Literal['owner', 'failures', 'gone'] | None", row.disabled_for),
        disabled_at=row.disabled_at if is_off else None,
        failures=row.failures,
        failing_since=row.failing_since,
        rests_until=row.rests_until if rests else None,
        overlap_until=row.previous_until if overlaps else None,
        pending=pending,
        created_at=row.created_at,
        secret_tag=secret_tag(row.secret_sealed),
    )


def _deliveries(uow: UnitOfWork) -> Any:
    return (
        select(WebhookDelivery, OutgoingEvent)
        .join(OutgoingEvent, OutgoingEvent.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.org_id == uow.principal.organization())
    )


def _delivery(found: Any) -> DeliveryView:
    row: Any = found[0]
    event: OutgoingEvent = found[1]
    return DeliveryView(
        id=row.id,
        endpoint_id=row.endpoint_id,
        event_id=event.id,
        message_id=message_id(event),
        type=event.type,
        position=event.position,
        subject_id=event.subject_id,
        occurred_at=event.occurred_at,
        state=row.state,
        tries=row.tries,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        failure=row.failure,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def may_read(uow: UnitOfWork, event_type: str) -> bool:
    """Whether the principal may see what such events say; a test says nothing."""
    return event_type == TEST or event_type in readable_types(uow.principal)
