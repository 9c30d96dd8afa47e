"""Live sessions as viewers meet them: the list, the room, being reminded. The host's pages stand beside."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC, SIGNED_IN
from api.live_streams import stream_headers
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.live.presenter import room_view, tile
from api.pages.live.views import LiveListView
from kernel.errors import DomainError, NotFound
from marketplace.channels.queries import get_channel
from marketplace.live.queries import get_room, list_live
from marketplace.live.question_queries import list_room_questions
from marketplace.live.questions import ask_in_room, remove_from_room
from marketplace.live.remind import ask_reminder, drop_reminder
from marketplace.relations.tier_prices import shown_prices
from orders.coupons.live_price import live_prices

Answer = Response[str] | Response[bytes]
_AHEAD = 50
_REPLAYS = 12
_LOOK_AGAIN_S = 5
"""Of a browser without scripts, which the room does not reach."""


@page(addresses.live.LIVE, PUBLIC)
def show_sessions(page_request: Given[PageRequest]) -> Answer:
    """What runs now, what is ahead, and what can be seen again; of one `channel`, or of all."""
    asked = page_request.query("channel", most=36)
    channel_id = parse_uuid_or_404(asked, "channel_not_found") if asked else None
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        channel = get_channel(uow, channel_id) if channel_id else None
        running = list_live(uow, "live", channel_id=channel_id, limit=_AHEAD)
        ahead = list_live(uow, "scheduled", channel_id=channel_id, limit=_AHEAD)
        replays = list_live(uow, "ended", channel_id=channel_id, cursor=cursor, limit=_REPLAYS)
    view = LiveListView(
        running=tuple(tile(page_request, one) for one in running.items),
        ahead=tuple(tile(page_request, one) for one in ahead.items),
        replays=tuple(tile(page_request, one) for one in replays.items),
        channel_id=asked,
        channel_name=page_request.pick(channel.name, channel.name_en) if channel else "",
        next_address=addresses.next_page(addresses.live.LIVE, replays.next_cursor, channel=asked or None),
    )
    return page_request.render(view)


@page("/live/{session_id:uuid}", PUBLIC)
def show_room(session_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """The room of a session: before it, in it, and its replay."""
    return _room(page_request, session_id)


@form_post("/live/{session_id:uuid}/questions", SIGNED_IN)
def ask(session_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask in the room; what was refused stays in its field."""
    typed = form.text("text", most=2_000)
    try:
        page_request.transact(lambda uow: ask_in_room(uow, session_id, typed))
    except NotFound:
        raise
    except DomainError as refused:
        return _room(page_request, session_id, typed, refused)
    return page_request.redirect(addresses.live.room(str(session_id)), notice="live_asked")


@form_post("/live/questions/{question_id:uuid}", SIGNED_IN)
def take_back(question_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take one's own question back."""
    del form
    session_id = page_request.transact(lambda uow: remove_from_room(uow, question_id))
    return page_request.redirect(addresses.live.room(str(session_id)))


@form_post("/live/{session_id:uuid}/reminder", SIGNED_IN)
def remind(session_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Be reminded (`on` = 1), or no more."""
    act, notice = (ask_reminder, "live_reminded") if form.text("on", most=1) == "1" else (drop_reminder, "")
    page_request.transact(lambda uow: act(uow, session_id))
    return page_request.redirect(addresses.live.room(str(session_id)), notice=notice)


def _room(page_request: PageRequest, session_id: UUID, typed: str = "", refused: DomainError | None = None) -> Answer:
    with page_request.work() as uow:
        room = get_room(uow, session_id)
        prices, asked = live_prices(uow, session_id), list_room_questions(uow, session_id)
        own = shown_prices(uow, [one.listing_id for one in room.items if one.on_sale])
    headers = NOT_INDEXED if room.session.visibility == "unlisted" else None
    waits = room.session.state in ("scheduled", "live") and refused is None
    why = failure(page_request, refused) if refused is not None else ""
    view = room_view(page_request, room, prices, own, asked, (typed, why))
    if view.stream:
        nonce = page_request.request.scope["state"]["nonce"]
        headers = {**(headers or {}), **stream_headers(page_request.services, view.stream, nonce)}
    return page_request.render(
        view,
        status=refused.status if refused is not None else 200,
        headers=headers,
        refresh_s=_LOOK_AGAIN_S if waits else 0,
    )


routes = [show_sessions, show_room, ask, take_back, remind]
