"""The host's pages: sessions are announced, begun and ended, and the shelf is worked on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.live_streams import live_stream, stream_headers, stream_hosts
from api.pages.frame import addresses
from api.pages.frame.partner_groups import group_fields, groups_of
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_channel
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.live.presenter import MS, as_typed, card, film_choices, plan_choices, question_rows, tile
from api.pages.live.views import LiveHostView, SellerLiveView
from api.pages.videos.presenter import moment_of, partners_of
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.live.explain import explain_item, stop_explaining
from marketplace.live.film import list_films
from marketplace.live.queries import get_own_room, list_own_live
from marketplace.live.question_queries import list_room_questions, session_of_question
from marketplace.live.questions import MAX_ANSWER, answer_in_room, show_in_room
from marketplace.live.run_session import cancel_session, end_session, start_session
from marketplace.live.save_session import SaveLiveSession, change_session, schedule_session
from marketplace.live.shelf import add_item, order_items, remove_item
from marketplace.live.streams import LEAST_MINUTES, MOST_MINUTES, StreamPlan, name_recording
from marketplace.relations.partner_groups import NO_GROUPS, tiers_named
from orders.coupons.live_price import SetLivePrice, end_live_price, live_prices, set_live_price
from orders.coupons.make_coupon import PERMISSION as PRICES

HOST = "videos.write"
PPM_OF_PERCENT = 10_000
Answer = Response[str] | Response[bytes]
_PAGE = 20
_ACTS: Mapping[str, tuple[Callable[[UnitOfWork, UUID], Any], str]] = {
    "start": (start_session, "live_begun"),
    "end": (end_session, "live_ended"),
    "cancel": (cancel_session, "live_cancelled"),
    "stop": (stop_explaining, ""),
}


@page(addresses.live.SELLER_LIVE, HOST)
def show_own(page_request: Given[PageRequest]) -> Answer:
    """The organization's sessions, the latest first, and the form that announces another."""
    return page_request.render(_own(page_request))


@form_post(addresses.live.SELLER_LIVE, HOST)
def announce(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Announce a session; it is worked on from there."""
    try:
        command = _command(page_request, form)
        made = page_request.transact(lambda uow: schedule_session(uow, command, stream_hosts(page_request.services)).id)
    except DomainError as refused:
        view = _own(page_request, form.values, failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.live.host(str(made)), notice="live_announced")


@page("/seller/live/{session_id:uuid}", HOST)
def show_host(session_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """The host's page of a session."""
    return _shown(page_request, _host(page_request, session_id))


@form_post("/seller/live/{session_id:uuid}", HOST)
def change(session_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change its words, film, moment and readers, before it begins."""
    hosts = stream_hosts(page_request.services)
    try:
        command = _command(page_request, form)
        page_request.transact(lambda uow: change_session(uow, session_id, command, hosts).id)
    except DomainError as refused:
        if isinstance(refused, NotFound) and refused.code == "live_session_not_found":
            raise
        view = _host(page_request, session_id, failure(page_request, refused), form.values)
        return _shown(page_request, view, refused.status)
    return page_request.redirect(addresses.live.host(str(session_id)), notice="live_saved")


@form_post("/seller/live/{session_id:uuid}/items", HOST)
def put_on_shelf(session_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Put a plan at the end of the shelf."""
    plan_id = parse_uuid_or_404(form.text("plan_id", most=36), "plan_not_found")
    return _acted(page_request, session_id, lambda uow: add_item(uow, session_id, plan_id))


@form_post("/seller/live/{session_id:uuid}/recording", HOST)
def name_replay(session_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let a film be the replay of a stream that is over."""
    video_id = parse_uuid_or_404(form.text("video_id", most=36), "video_not_found")
    return _acted(page_request, session_id, lambda uow: name_recording(uow, session_id, video_id), "live_recorded")


@form_post("/seller/live/{session_id:uuid}/{act:str}", HOST)
def act_on(
    session_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Begin it, end it, cancel it, or explain nothing (`stop`)."""
    del form
    if act not in _ACTS:
        raise NotFound("not_found")
    verb, notice = _ACTS[act]
    return _acted(page_request, session_id, lambda uow: verb(uow, session_id), notice)


@form_post("/seller/live/{session_id:uuid}/items/{item_id:uuid}/{act:str}", HOST)
def act_on_item(
    session_id: FromPath[UUID],
    item_id: FromPath[UUID],
    act: FromPath[str],
    page_request: Given[PageRequest],
    form: Given[Form],
) -> Answer:
    """Explain it, take it off the shelf (`remove`), or let it stand one place earlier (`up`)."""
    del form
    if act == "explain":
        return _acted(page_request, session_id, lambda uow: explain_item(uow, session_id, item_id))
    if act == "remove":
        return _acted(page_request, session_id, lambda uow: remove_item(uow, session_id, item_id))
    if act != "up":
        raise NotFound("not_found")

    def up(uow: UnitOfWork) -> None:
        order = [one.id for one in get_own_room(uow, session_id).items]
        place = order.index(item_id) if item_id in order else 0
        if place:
            order[place - 1 : place + 1] = [item_id, order[place - 1]]
            order_items(uow, session_id, order)

    return _acted(page_request, session_id, up)


@form_post("/seller/live/{session_id:uuid}/items/{item_id:uuid}/price", PRICES)
def price(
    session_id: FromPath[UUID], item_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Give it a live price (`percent` off, of so many `places`, empty for any number), or (`action` = end) take that back."""

    def work(uow: UnitOfWork) -> None:
        if form.text("action", most=10) == "end":
            end_live_price(uow, session_id, item_id)
            return
        percent = form.number("percent", least=1, most=100)
        places = form.number("places", least=1, most=1_000_000) if form.text("places", most=12) else None
        set_live_price(uow, SetLivePrice(session_id, item_id, percent * PPM_OF_PERCENT, places=places))

    return _acted(page_request, session_id, work, "live_priced")


@form_post("/seller/live/questions/{question_id:uuid}", HOST)
def decide_question(question_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Show or hide a question (`action`), answer it by `text`, or in the film (`spoken`)."""
    action, typed = form.text("action", most=10), form.text("text", most=5_000)

    def work(uow: UnitOfWork) -> UUID:
        if action in ("show", "hide"):
            return show_in_room(uow, question_id, show=action == "show").session_id
        return answer_in_room(uow, question_id, typed, spoken=action == "spoken").session_id

    try:
        session_id = page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        with page_request.work() as uow:
            session_id = session_of_question(uow, question_id)
        return _shown(page_request, _host(page_request, session_id, failure(page_request, refused)), refused.status)
    return page_request.redirect(f"{addresses.live.host(str(session_id))}#questions")


def _acted(
    page_request: PageRequest, session_id: UUID, act: Callable[[UnitOfWork], object], notice: str = ""
) -> Answer:
    """Act and come back to the host's page, which says what stood in the way."""

    def work(uow: UnitOfWork) -> None:
        act(uow)

    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        return _shown(page_request, _host(page_request, session_id, failure(page_request, refused)), refused.status)
    return page_request.redirect(addresses.live.host(str(session_id)), notice=notice)


def _command(page_request: PageRequest, form: Form) -> SaveLiveSession:
    visibility, url, film = (
        form.text(name, most=most) for name, most in (("visibility", 20), ("stream_url", 2_048), ("video_id", 36))
    )
    return SaveLiveSession(
        video_id=parse_uuid_or_404(film, "video_not_found") if film else None,
        title=form.text("title", most=500),
        title_en=form.text("title_en", most=500),
        description=form.text("description", most=5_000),
        description_en=form.text("description_en", most=5_000),
        starts_at=moment_of(form, "publish_at", page_request.time_zone),
        visibility=visibility,
        partner_ids=partners_of(page_request, form) if visibility == "partners" else (),
        groups=groups_of(form) if visibility == "partners" else NO_GROUPS,
        stream=StreamPlan(url, form.number("stream_minutes", least=LEAST_MINUTES, most=MOST_MINUTES)) if url else None,
    )


def _own(page_request: PageRequest, typed: Mapping[str, str] | None = None, error: str = "") -> SellerLiveView:
    with page_request.work() as uow:
        require_channel(page_request, uow)
        found = list_own_live(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
        films, tiers = list_films(uow), tiers_named(uow)
    return SellerLiveView(
        rows=tuple(tile(page_request, one) for one in found.items),
        films=film_choices(page_request, films),
        time_zone=page_request.time_zone,
        groups=group_fields(page_request, tiers, NO_GROUPS, typed),
        streams=_streams(page_request),
        typed=typed or {},
        error=error,
        next_address=addresses.next_page(addresses.live.SELLER_LIVE, found.next_cursor),
    )


def _streams(page_request: PageRequest) -> str:
    return ", ".join(sorted(stream_hosts(page_request.services).hosts))


def _shown(page_request: PageRequest, view: LiveHostView, status: int = 200) -> Answer:
    """The host's page; its browser fetches the stream from where that is."""
    headers = None
    if view.stream:
        headers = stream_headers(page_request.services, view.stream, page_request.request.scope["state"]["nonce"])
    return page_request.render(view, status=status, headers=headers)


def _host(
    page_request: PageRequest, session_id: UUID, error: str = "", typed: Mapping[str, str] | None = None
) -> LiveHostView:
    with page_request.work() as uow:
        room = get_own_room(uow, session_id)
        prices = live_prices(uow, session_id)
        films, plans = list_films(uow), plan_choices(page_request, uow, room)
        tiers, asked = tiers_named(uow), list_room_questions(uow, session_id)
    row = room.session
    return LiveHostView(
        session=tile(page_request, row),
        position_s=row.position_ms // MS,
        sequence=row.sequence,
        cards=tuple(card(page_request, one, row, prices.get(one.id)) for one in room.items),
        plans=plans,
        films=film_choices(page_request, films),
        typed=typed or as_typed(row, page_request.time_zone),
        time_zone=page_request.time_zone,
        groups=group_fields(page_request, tiers, row.groups, typed),
        questions=question_rows(asked),
        most_answer=MAX_ANSWER,
        streams=_streams(page_request),
        streamed=row.stream_ms is not None,
        stream=live_stream(page_request.services, row) or "",
        wants_recording=row.state == "ended" and row.video_id is None,
        error=error,
        editing=typed is not None,
    )


routes = [
    show_own,
    announce,
    show_host,
    change,
    put_on_shelf,
    name_replay,
    act_on,
    price,
    act_on_item,
    decide_question,
]
