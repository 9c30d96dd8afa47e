"""What happened, in order: for systems that ask instead of being called, and for whatever was missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Out
from kernel.paging import MAX_LIMIT
from marketplace.webhooks.envelope import envelope
from marketplace.webhooks.queries import get_event, last_position, list_events


class EventOut(Out):
    """A CloudEvents 1.0 event, exactly as it is sent to endpoints."""

    specversion: Annotated[str, Meta(examples=["1.0"])]
    id: Annotated[str, Meta(description="`evt_` and the event's id: the same over all tries and replays")]
    source: str
    type: str
    subject: Annotated[str, Meta(description="The id of what it is about")]
    time: datetime
    position: Annotated[
        int, Meta(description="Of this organization's events, from 1, without gaps as they are written")
    ]
    datacontenttype: str
    dataschema: str
    data: dict[str, Any]


class EventsOut(Out):
    """Events in order. Nothing turns up later at or before `after`."""

    items: Sequence[EventOut]
    after: Annotated[int, Meta(description="Ask with this for what comes next, also when there is nothing yet")]
    has_more: bool


class EventHeadOut(Out):
    """Where the log ends now."""

    position: Annotated[int, Meta(description="Of the newest event, 0 before the first")]


After = Annotated[
    int,
    QueryParameter(
        name="after",
        ge=0,
        le=2**62,
        required=False,
        description="Only events behind this position; 0 for all that are kept",
    ),
]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_LIMIT, required=False, description="At most so many")]
TypeParameter = Annotated[
    str | None, QueryParameter(name="type", max_length=100, required=False, description="Only events of this type")
]


@get("/v1/events", permission=SIGNED_IN, refuses=[403], sync_to_thread=True, tags=["webhooks"])
def read_events(
    request: ApiRequest, after: After = 0, limit: Limit = 20, event_type: TypeParameter = None
) -> EventsOut:
    """The organization's events behind a position, in order; those alone whose permission the caller holds.

    They are kept for 60 days. A reader that keeps `after` misses nothing and reads nothing twice.
    """
    with request.transaction() as uow:
        page = list_events(uow, request.services.settings.public_url, after=after, limit=limit, event_type=event_type)
    items = [msgspec.convert(one, EventOut) for one in page.items]
    return EventsOut(items=items, after=page.after, has_more=page.has_more)


@get("/v1/events/head", permission=SIGNED_IN, refuses=[403], sync_to_thread=True, tags=["webhooks"])
def read_head(request: ApiRequest) -> EventHeadOut:
    """Where the log ends: for a reader that wants only what happens from now on."""
    with request.transaction() as uow:
        return EventHeadOut(position=last_position(uow))


@get("/v1/events/{event_id:uuid}", permission=SIGNED_IN, refuses=[403], sync_to_thread=True, tags=["webhooks"])
def read_event(event_id: FromPath[UUID], request: ApiRequest) -> EventOut:
    """One event."""
    with request.transaction() as uow:
        return msgspec.convert(envelope(get_event(uow, event_id), request.services.settings.public_url), EventOut)


routes = [read_events, read_head, read_event]
