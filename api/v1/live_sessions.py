"""Live sessions: announced, hosted, watched. Questions in them have a file of their own."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from api.auth import PUBLIC, SIGNED_IN
from api.live_streams import stream_hosts
from api.live_watcher import LiveStateOut, LiveWatcher, Room, read_room
from api.request import ApiRequest
from api.schema import PageOut, Paging, linked, list_page
from api.v1.live_bodies import (
    LiveExplainIn,
    LiveItemIn,
    LiveOrderIn,
    LivePriceIn,
    LiveRecordingIn,
    LiveRoomOut,
    LiveSessionIn,
    LiveSessionOut,
)
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from marketplace.live.access import get_visible_session
from marketplace.live.explain import explain_item, stop_explaining
from marketplace.live.queries import get_own_room, get_room, list_live, list_own_live
from marketplace.live.remind import ask_reminder, drop_reminder
from marketplace.live.run_session import cancel_session, end_session, start_session
from marketplace.live.save_session import change_session, schedule_session
from marketplace.live.shelf import add_item, order_items, remove_item
from marketplace.live.streams import name_recording
from orders.coupons.live_price import SetLivePrice, end_live_price, set_live_price
from orders.coupons.make_coupon import PERMISSION as PRICES

HOST = "videos.write"
LiveListed = Literal["live", "scheduled", "ended"]
ListedParameter = Annotated[
    LiveListed, QueryParameter(name="state", required=False, description="Running, ahead, or to be seen again")
]
ChannelParameter = Annotated[
    UUID | None, QueryParameter(name="channel_id", required=False, description="Only of this channel")
]


@get("/v1/live-sessions", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def list_sessions(
    request: ApiRequest, paging: Given[Paging], listed: ListedParameter = "live", channel_id: ChannelParameter = None
) -> Response[PageOut[LiveSessionOut]]:
    """Sessions that run, are ahead (the soonest first, on one page) or are to be seen again (the latest first)."""
    with request.transaction() as uow:
        page = list_live(uow, listed, channel_id=channel_id, cursor=paging.cursor, limit=paging.limit)
    kept: dict[str, Any] = {"state": listed, "channel_id": channel_id, "limit": paging.limit}
    return linked(page, lambda row: LiveSessionOut.of(request.services, row), "/v1/live-sessions", **kept)


@get("/v1/live-sessions/{live_session_id:uuid}", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_live_session(live_session_id: FromPath[UUID], request: ApiRequest) -> LiveRoomOut:
    """One session with its shelf, and what of it is explained."""
    with request.transaction() as uow:
        return LiveRoomOut.of(request.services, uow, get_room(uow, live_session_id))


@get(
    "/v1/live-sessions/{live_session_id:uuid}/stream",
    permission=PUBLIC,
    media_type="text/event-stream",
    tags=["content"],
)
async def stream_live_session(live_session_id: FromPath[UUID], request: ApiRequest) -> Stream:
    """A room as server-sent events: `live` with its whole state at once and whenever it changes, `questions` with the latest
    that its host has shown, `places` with what is left of live prices, by item, and `end` when it is over.

    Whoever comes late or lost the connection is told how it is now; nothing has to be caught up. The event's id is `sequence`.
    """
    first = await sync_to_thread(_room, request, live_session_id)
    watcher: LiveWatcher = request.app.state["live_watcher"]
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-cache"}
    return Stream(watcher.events(first), media_type="text/event-stream", headers=headers)


@get("/v1/live-sessions/{live_session_id:uuid}/state", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_live_state(live_session_id: FromPath[UUID], request: ApiRequest) -> LiveStateOut:
    """The same once, for programs that poll."""
    state = _room(request, live_session_id).state
    return LiveStateOut(
        session_id=state.session_id,
        state=state.state,
        sequence=state.sequence,
        item_id=state.item_id,
        position_ms=state.position_ms,
    )


@put(
    "/v1/live-sessions/{live_session_id:uuid}/reminder",
    permission=SIGNED_IN,
    refuses=[409],
    sync_to_thread=True,
    status_code=204,
    tags=["content"],
)
def put_reminder(live_session_id: FromPath[UUID], request: ApiRequest) -> None:
    """Be told shortly before it begins, and when it does."""
    request.transact(lambda uow: ask_reminder(uow, live_session_id))


@delete(
    "/v1/live-sessions/{live_session_id:uuid}/reminder", permission=SIGNED_IN, sync_to_thread=True, tags=["content"]
)
def delete_reminder(live_session_id: FromPath[UUID], request: ApiRequest) -> None:
    """Be told no more."""
    request.transact(lambda uow: drop_reminder(uow, live_session_id))


@get("/v1/seller/live-sessions", permission=HOST, sync_to_thread=True, tags=["seller"])
def list_own_sessions(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[LiveSessionOut]]:
    """The organization's own sessions in any state, the latest start first."""
    return list_page(request, paging, list_own_live, lambda row: LiveSessionOut.of(request.services, row))


@post("/v1/live-sessions", permission=HOST, refuses=[404, 409], sync_to_thread=True, tags=["content"])
def create_live_session(data: JSONBody[LiveSessionIn], request: ApiRequest) -> LiveRoomOut:
    """Announce a session."""

    def work(uow: UnitOfWork) -> LiveRoomOut:
        made = schedule_session(uow, data.command(), stream_hosts(request.services))
        return LiveRoomOut.of(request.services, uow, get_own_room(uow, made.id))

    return request.transact(work)


@put("/v1/live-sessions/{live_session_id:uuid}", permission=HOST, refuses=[409], sync_to_thread=True, tags=["content"])
def update_live_session(
    live_session_id: FromPath[UUID], data: JSONBody[LiveSessionIn], request: ApiRequest
) -> LiveRoomOut:
    """Change a session that has not begun."""
    hosts = stream_hosts(request.services)
    return _acted(request, live_session_id, lambda uow: change_session(uow, live_session_id, data.command(), hosts))


@post(
    "/v1/live-sessions/{live_session_id:uuid}/start",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["content"],
)
def start(live_session_id: FromPath[UUID], request: ApiRequest) -> LiveRoomOut:
    """Begin now. A channel has one session at a time."""
    return _acted(request, live_session_id, lambda uow: start_session(uow, live_session_id))


@post(
    "/v1/live-sessions/{live_session_id:uuid}/end",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["content"],
)
def end(live_session_id: FromPath[UUID], request: ApiRequest) -> LiveRoomOut:
    """End before the film does, which ends it by itself."""
    return _acted(request, live_session_id, lambda uow: end_session(uow, live_session_id))


@put(
    "/v1/live-sessions/{live_session_id:uuid}/recording",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def put_recording(live_session_id: FromPath[UUID], data: JSONBody[LiveRecordingIn], request: ApiRequest) -> LiveRoomOut:
    """Let a film of the channel be the replay of a stream that is over, for good. Its first second is the session's."""
    return _acted(request, live_session_id, lambda uow: name_recording(uow, live_session_id, data.video_id))


@post(
    "/v1/live-sessions/{live_session_id:uuid}/cancel",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    status_code=200,
    tags=["content"],
)
def cancel(live_session_id: FromPath[UUID], request: ApiRequest) -> LiveRoomOut:
    """Let it not take place; whoever asked to be reminded is told."""
    return _acted(request, live_session_id, lambda uow: cancel_session(uow, live_session_id))


@post(
    "/v1/live-sessions/{live_session_id:uuid}/items",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def create_live_item(live_session_id: FromPath[UUID], data: JSONBody[LiveItemIn], request: ApiRequest) -> LiveRoomOut:
    """Put a plan at the end of the shelf."""
    return _acted(request, live_session_id, lambda uow: add_item(uow, live_session_id, data.plan_id))


@delete(
    "/v1/live-sessions/{live_session_id:uuid}/items/{live_item_id:uuid}",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def delete_live_item(live_session_id: FromPath[UUID], live_item_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take an item off the shelf."""
    request.transact(lambda uow: remove_item(uow, live_session_id, live_item_id))


@put(
    "/v1/live-sessions/{live_session_id:uuid}/shelf",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def put_shelf_order(live_session_id: FromPath[UUID], data: JSONBody[LiveOrderIn], request: ApiRequest) -> LiveRoomOut:
    """Let the shelf have this order."""
    return _acted(request, live_session_id, lambda uow: order_items(uow, live_session_id, data.item_ids))


@put(
    "/v1/live-sessions/{live_session_id:uuid}/explained",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def put_explained(live_session_id: FromPath[UUID], data: JSONBody[LiveExplainIn], request: ApiRequest) -> LiveRoomOut:
    """Let an item be the one that is explained, in place of any other. Everybody in the room sees it within the second."""
    return _acted(request, live_session_id, lambda uow: explain_item(uow, live_session_id, data.item_id))


@delete(
    "/v1/live-sessions/{live_session_id:uuid}/explained",
    permission=HOST,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def delete_explained(live_session_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let nothing be explained."""
    request.transact(lambda uow: stop_explaining(uow, live_session_id))


@put(
    "/v1/live-sessions/{live_session_id:uuid}/items/{live_item_id:uuid}/price",
    permission=PRICES,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def put_live_price(
    live_session_id: FromPath[UUID], live_item_id: FromPath[UUID], data: JSONBody[LivePriceIn], request: ApiRequest
) -> LiveRoomOut:
    """Give an item that one sells oneself a live price, in place of the one it has; its places are counted anew."""
    command = SetLivePrice(live_session_id, live_item_id, data.percent_ppm, data.amount, data.places)
    return _acted(request, live_session_id, lambda uow: set_live_price(uow, command))


@delete(
    "/v1/live-sessions/{live_session_id:uuid}/items/{live_item_id:uuid}/price",
    permission=PRICES,
    refuses=[409],
    sync_to_thread=True,
    tags=["content"],
)
def delete_live_price(live_session_id: FromPath[UUID], live_item_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let an item be sold at its usual price. Quotes that were given hold."""
    request.transact(lambda uow: end_live_price(uow, live_session_id, live_item_id))


def _acted(request: ApiRequest, session_id: UUID, act: Any) -> LiveRoomOut:
    def work(uow: UnitOfWork) -> LiveRoomOut:
        act(uow)
        return LiveRoomOut.of(request.services, uow, get_own_room(uow, session_id))

    return request.transact(work)


def _room(request: ApiRequest, session_id: UUID) -> Room:
    with request.transaction() as uow:
        get_visible_session(uow, session_id)
        with reading_as_platform(uow):
            return read_room(uow, session_id)


routes = [
    list_sessions,
    get_live_session,
    stream_live_session,
    get_live_state,
    put_reminder,
    delete_reminder,
    list_own_sessions,
    create_live_session,
    update_live_session,
    start,
    end,
    put_recording,
    cancel,
    create_live_item,
    delete_live_item,
    put_shelf_order,
    put_explained,
    delete_explained,
    put_live_price,
    delete_live_price,
]
