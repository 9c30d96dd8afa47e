"""Where players report what was seen."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import post
from litestar.params import JSONBody
from pydantic import Field

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import UtcIn, Wire
from marketplace.attribution.record_touchpoints import Recorded, TouchpointIn, record_touchpoints

DAY_S = 86_400


class EventIn(Wire):
    """One event. `id` is made by the player, once; sent again, it counts once. `second` is where in the video or session."""

    id: UUID
    kind: Literal["impression", "view", "card_click", "share", "lead"]
    occurred_at: UtcIn
    video_id: UUID | None = Field(default=None, description="Null where `live_item_id` is given")
    live_item_id: UUID | None = Field(
        default=None,
        description="Of a live room's shelf, in place of a video: `card_click` of it, or `view` of it being explained",
    )
    placement_id: UUID | None = None
    second: Annotated[int, Field(strict=True, ge=0, le=DAY_S)] = 0
    watched_ms: Annotated[int, Field(strict=True, ge=0, le=DAY_S * 1000)] = 0
    share: Annotated[str, Field(max_length=64)] | None = None


class TouchpointsIn(Wire):
    """A batch of at most 100. `anonymous_id` ties a visitor's events together without saying who it is."""

    events: Annotated[list[EventIn], Field(min_length=1, max_length=100)]
    anonymous_id: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")] | None = None


@post("/v1/touchpoints", permission=PUBLIC, sync_to_thread=True, status_code=202, tags=["content"])
def create_touchpoints(data: JSONBody[TouchpointsIn], request: ApiRequest) -> Recorded:
    """Report a batch of events. What has arrived is stored when the answer is given."""
    items = [
        TouchpointIn(
            id=event.id,
            kind=event.kind,
            occurred_at=event.occurred_at,
            video_id=event.video_id,
            placement_id=event.placement_id,
            second_ms=event.second * 1000,
            watched_ms=event.watched_ms,
            live_item_id=event.live_item_id,
            share_code=event.share,
        )
        for event in data.events
    ]
    return request.transact(lambda uow: record_touchpoints(uow, items, anonymous_id=data.anonymous_id))


routes = [create_touchpoints]
