"""The pages of endpoints and events, put together."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import PageRequest
from api.pages.webhooks.views import (
    AttemptItem,
    DeliveryPage,
    EndpointItem,
    EndpointPage,
    EndpointsPage,
    EventItem,
    EventsPage,
    TypeGroup,
    TypeItem,
    TypesPage,
)
from kernel import clock
from kernel.errors import DomainError
from kernel.paging import Page
from marketplace.webhooks.envelope import envelope
from marketplace.webhooks.event_types import TEST, EventType, event_types
from marketplace.webhooks.models import OutgoingEvent
from marketplace.webhooks.purge_events import RETENTION
from marketplace.webhooks.queries import DeliveryState
from marketplace.webhooks.schedule import MOST_TRIES, WAITS
from marketplace.webhooks.views import AttemptView, DeliveryView, EndpointView
from orders.outgoing_events import catalogue

CATALOGUE = catalogue
"""Imported for what it registers."""
STATES: tuple[DeliveryState, ...] = ("pending", "delivered", "failed")
_REASONS = frozenset(
    {"connect_failed", "connect_timeout", "connection_lost", "name_not_found", "read_timeout", "total_time_limit"}
)
_SUGGESTED = timedelta(days=7)


def state_of(one: EndpointView) -> str:
    """How it is, in one word of the page's."""
    if one.state == "disabled":
        return "disabled"
    return "failing" if one.failures else "active"


def groups_of(page_request: PageRequest) -> tuple[TypeGroup, ...]:
    """Types that the visitor may have sent, by subject."""
    may = [one for name, one in event_types().items() if name != TEST and one.is_for(page_request.principal)]
    return tuple(
        TypeGroup(key, tuple((one.name, _says(page_request, one)) for one in some))
        for key, some in groupby(may, lambda one: one.name.partition(".")[0])
    )


def endpoints_page(
    page_request: PageRequest,
    endpoints: Collection[EndpointView],
    key: str,
    typed: Mapping[str, str] | None,
    chosen: Collection[str] | None,
    refused: DomainError | None,
) -> EndpointsPage:
    """The list with its form, what was typed in it kept."""
    groups = groups_of(page_request)
    everything = [name for group in groups for name, _ in group.types]
    return EndpointsPage(
        tuple(EndpointItem(one, state_of(one)) for one in endpoints),
        key,
        groups,
        typed or {"name": "", "url": ""},
        everything if chosen is None else chosen,
        *said(page_request, refused),
    )


def endpoint_page(
    page_request: PageRequest,
    one: EndpointView,
    deliveries: Page[DeliveryView],
    *,
    current: str,
    typed: Mapping[str, str] | None,
    chosen: Collection[str] | None,
    refused: DomainError | None,
    secret: str | None,
) -> EndpointPage:
    """One endpoint, with a page of what was sent."""
    error, error_field = said(page_request, refused)
    zone, now = ZoneInfo(page_request.time_zone), clock.now()
    since = one.disabled_at or one.failing_since or now - _SUGGESTED
    return EndpointPage(
        endpoint=one,
        state=state_of(one),
        groups=groups_of(page_request),
        deliveries=tuple(deliveries.items),
        next_address=addresses.next_page(addresses.webhook(str(one.id)), deliveries.next_cursor, state=current or None),
        states=STATES,
        current=current,
        typed=typed or {"name": one.name, "url": one.url},
        chosen=one.types if chosen is None else chosen,
        today=now.astimezone(zone).date().isoformat(),
        missed_since=since.astimezone(zone).date().isoformat(),
        secret=secret,
        error=error,
        error_field=error_field,
    )


def delivery_page(
    page_request: PageRequest,
    endpoint: EndpointView,
    delivery: DeliveryView,
    attempts: Collection[AttemptView],
    event: OutgoingEvent | None,
) -> DeliveryPage:
    """One delivery with its calls."""
    items = tuple(
        AttemptItem(
            one.number,
            one.succeeded,
            one.status,
            _reason(page_request, one.reason),
            one.answered,
            one.elapsed_ms,
            one.started_at,
        )
        for one in attempts
    )
    return DeliveryPage(endpoint, delivery, items, None if event is None else _body(page_request, event))


def events_page(page_request: PageRequest, events: Collection[OutgoingEvent], size: int) -> EventsPage:
    """The log; `size` of it are a page."""
    known = event_types()
    items = tuple(
        EventItem(
            str(one.id),
            one.position,
            one.type,
            _says(page_request, known[one.type]),
            one.occurred_at,
            _body(page_request, one),
        )
        for one in events
    )
    more = (
        addresses.with_query(addresses.WEBHOOK_EVENTS, before=str(items[-1].position)) if len(items) == size else None
    )
    return EventsPage(items, more)


def types_page(page_request: PageRequest) -> TypesPage:
    """The whole catalogue: what the visitor may not read is in it, too."""
    items = tuple(
        TypeItem(
            one.name,
            _says(page_request, one),
            one.is_for(page_request.principal),
            tuple(
                (side, _json(one.schema_of(side)), _json(sample.model_dump(mode="json")))
                for side, sample in one.samples.items()
            ),
        )
        for one in event_types().values()
    )
    waits = tuple(int(wait.total_seconds()) for wait in WAITS)
    return TypesPage(items, waits, MOST_TRIES, RETENTION.days)


def said(page_request: PageRequest, refused: DomainError | None) -> tuple[str | None, str]:
    """A refusal as a sentence, and the field it is about."""
    if refused is None:
        return None, ""
    return failure(page_request, refused), getattr(refused, "field", None) or ""


def _reason(page_request: PageRequest, reason: str | None) -> str:
    """Why a call was no success; with an HTTP status the status stands beside it."""
    if reason is None:
        return ""
    if reason.startswith("http_"):
        return page_request.t("webhooks.reason.http")
    return page_request.t(f"webhooks.reason.{reason}" if reason in _REASONS else "webhooks.reason.other")


def _says(page_request: PageRequest, one: EventType) -> str:
    return page_request.pick(one.zh, one.en)


def _body(page_request: PageRequest, event: OutgoingEvent) -> str:
    return _json(envelope(event, page_request.services.settings.public_url))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
