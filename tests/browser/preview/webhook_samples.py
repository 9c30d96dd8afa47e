"""Sample views of endpoints, deliveries, the log of events and the catalogue."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

from api.pages.frame.rendering import View
from api.pages.webhooks.presenter import STATES
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
from marketplace.webhooks.event_types import EventType, event_types
from marketplace.webhooks.schedule import MOST_TRIES, WAITS
from marketplace.webhooks.views import DeliveryView, EndpointView
from orders.outgoing_events import catalogue
from tests.browser.preview.buying_samples import ID, NOW, Samples

CATALOGUE = catalogue
_CHOSEN = ("order.paid", "order.refunded", "invoice.issued")


def webhook_pages(s: Samples) -> dict[str, View]:
    """By name."""
    failing = _endpoint(failures=4)
    return {
        "webhooks": EndpointsPage(
            (EndpointItem(_endpoint(), "active"), EndpointItem(failing, "failing")),
            "key",
            _groups(s),
            {"name": "", "url": ""},
            _CHOSEN,
        ),
        "webhook": _page(s, _endpoint(), "active", secret="whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxl"),
        "webhook-failing": _page(s, failing, "failing"),
        "webhook-delivery": _delivery(s),
        "webhook-events": _events(s),
        "webhook-types": _types(s),
    }


def _endpoint(failures: int = 0) -> EndpointView:
    since = NOW - timedelta(hours=3) if failures else None
    return EndpointView(
        id=UUID(ID.format(91)),
        name="ERP",
        url="https://erp.example/hooks/marketplace",
        types=_CHOSEN,
        state="active",
        disabled_for=None,
        disabled_at=None,
        failures=failures,
        failing_since=since,
        rests_until=None,
        overlap_until=NOW + timedelta(hours=20) if failures else None,
        pending=failures * 3,
        created_at=NOW,
        secret_tag="0123456789abcdef",
    )


def _row(number: int, event_type: str, state: str) -> DeliveryView:
    waits = state == "pending"
    return DeliveryView(
        id=UUID(ID.format(number)),
        endpoint_id=UUID(ID.format(91)),
        event_id=UUID(ID.format(number)),
        message_id=f"evt_{ID.format(number)}",
        type=event_type,
        position=number,
        subject_id=UUID(ID.format(10)),
        occurred_at=NOW - timedelta(hours=3),
        state=state,  # type: ignore[arg-type]  # one of the three
        tries=4,
        attempts=4,
        next_attempt_at=NOW + timedelta(hours=2) if waits else None,
        failure="exhausted" if state == "failed" else None,
        created_at=NOW,
        ended_at=None if waits else NOW,
    )


def _page(s: Samples, one: EndpointView, state: str, secret: str | None = None) -> EndpointPage:
    rows = (
        _row(95, "order.paid", "pending"),
        _row(94, "invoice.issued", "delivered"),
        _row(93, "order.paid", "failed"),
    )
    return EndpointPage(
        endpoint=one,
        state=state,
        groups=_groups(s),
        deliveries=rows,
        next_address="/webhooks",
        states=STATES,
        current="",
        typed={"name": one.name, "url": one.url},
        chosen=_CHOSEN,
        today="2026-11-28",
        missed_since="2026-11-21",
        secret=secret,
    )


def _delivery(s: Samples) -> DeliveryPage:
    said = s.pick("已返回，但不是 2xx", "Answered, but not with 2xx")
    calls = (
        AttemptItem(2, True, 204, "", "", 42, NOW),
        AttemptItem(1, False, 503, said, '{"error": "maintenance"}' + "x" * 200, 118, NOW - timedelta(minutes=1)),
    )
    return DeliveryPage(_endpoint(), _row(94, "order.paid", "delivered"), calls, _sample("order.paid"))


def _events(s: Samples) -> EventsPage:
    names = ("order.active", "entitlement.active", "order.paid", "order.placed")
    items = tuple(
        EventItem(ID.format(40 - n), 40 - n, name, _says(s, event_types()[name]), NOW, _sample(name))
        for n, name in enumerate(names)
    )
    return EventsPage(items, "/webhooks/events")


def _types(s: Samples) -> TypesPage:
    items = tuple(
        TypeItem(
            one.name,
            _says(s, one),
            not one.name.startswith("payout"),
            tuple((side, json.dumps(one.schema_of(side), indent=2), _sample(one.name)) for side in one.samples),
        )
        for one in event_types().values()
    )
    return TypesPage(items, tuple(int(wait.total_seconds()) for wait in WAITS), MOST_TRIES, 60)


def _groups(s: Samples) -> tuple[TypeGroup, ...]:
    return tuple(
        TypeGroup(
            key,
            tuple((one.name, _says(s, one)) for one in event_types().values() if one.name.startswith(f"{key}.")),
        )
        for key in ("order", "entitlement", "invoice")
    )


def _says(s: Samples, one: EventType) -> str:
    return s.pick(one.zh, one.en)


def _sample(name: str) -> str:
    sample = next(iter(event_types()[name].samples.values()))
    return json.dumps({"type": name, "data": sample.model_dump(mode="json")}, ensure_ascii=False, indent=2)
