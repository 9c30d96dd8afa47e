"""The catalogue of events: what is told, to whom, in which shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from litestar import get
from litestar.params import FromPath
from msgspec import Meta

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import Out
from marketplace.webhooks.event_types import EventType, event_types, get_event_type
from marketplace.webhooks.purge_events import RETENTION
from marketplace.webhooks.schedule import MOST_TRIES, WAITS
from orders.outgoing_events import catalogue

CATALOGUE = catalogue
"""Imported for what it registers."""


class EventSideOut(Out):
    """What one side is told: the JSON Schema of `data`, and a sample of it."""

    side: Annotated[
        Literal["buyer", "seller", "party"], Meta(description="`party`: the organization that it is about alone")
    ]
    data_schema: Annotated[dict[str, Any], Meta(description="JSON Schema 2020-12. Fields may be added")]
    sample: dict[str, Any]


class EventTypeOut(Out):
    """One type of event."""

    type: Annotated[str, Meta(examples=["order.paid"])]
    description: str
    description_zh: str
    permissions: Annotated[Sequence[str], Meta(description="Whoever holds one of them may read it and have it sent")]
    sides: Sequence[EventSideOut]


class EventTypesOut(Out):
    """All types, and how what is sent is tried again."""

    items: Sequence[EventTypeOut]
    most_tries: Annotated[int, Meta(description="Of one delivery")]
    waits_s: Annotated[
        Sequence[int],
        Meta(description="Pauses after the first try, the second and so on, less up to a tenth by chance"),
    ]
    kept_days: Annotated[int, Meta(description="How long an event can be read and replayed")]


@get("/v1/event-types", permission=PUBLIC, sync_to_thread=True, tags=["webhooks"])
def list_event_types(request: ApiRequest) -> EventTypesOut:
    """Every type of event, with schema and sample for each side."""
    del request
    return EventTypesOut(
        items=[_out(one) for one in event_types().values()],
        most_tries=MOST_TRIES,
        waits_s=[int(wait.total_seconds()) for wait in WAITS],
        kept_days=RETENTION.days,
    )


@get("/v1/event-types/{event_type:str}", permission=PUBLIC, sync_to_thread=True, tags=["webhooks"])
def read_event_type(event_type: FromPath[str], request: ApiRequest) -> EventTypeOut:
    """One type: the `dataschema` of its events."""
    del request
    return _out(get_event_type(event_type))


def _out(one: EventType) -> EventTypeOut:
    return EventTypeOut(
        type=one.name,
        description=one.en,
        description_zh=one.zh,
        permissions=sorted(one.permissions),
        sides=[
            EventSideOut(side=side, data_schema=one.schema_of(side), sample=sample.model_dump(mode="json"))
            for side, sample in one.samples.items()
        ],
    )


routes = [list_event_types, read_event_type]
