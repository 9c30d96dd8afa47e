"""Fills the pages of live sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from api.live_streams import live_stream
from api.media_addresses import cover_address, media_address, thumbnail
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.discounts import off_in_words
from api.pages.frame.partner_prices import PartnerPrices, own_price
from api.pages.frame.prices import per_of
from api.pages.frame.site import PageRequest
from api.pages.live.views import LiveCard, LiveRoomView, LiveTile, RoomQuestion
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from marketplace.catalog.queries import list_listings, list_own_plans
from marketplace.live.film import FilmChoice
from marketplace.live.queries import LiveRoom, LiveSessionView
from marketplace.live.question_queries import LiveQuestionView
from marketplace.live.questions import MAX_TEXT
from marketplace.live.shelf_items import LiveItemView
from marketplace.relations.tier_prices import ShownPrice
from orders.coupons.live_price import LivePrice

MS = 1000
MINUTE_MS = 60_000
FIELD = "%Y-%m-%dT%H:%M"
"""How a browser's field for a day and a time writes it."""
LivePrices = Mapping[UUID, LivePrice]
"""By item."""
_OTHERS = 100
"""Products of other sellers that a shelf is offered."""


def tile(page_request: PageRequest, row: LiveSessionView) -> LiveTile:
    """A session in a list."""
    film = row.film
    poster = None
    if film is not None and film.has_cover:
        poster = thumbnail(page_request.services, film.video_id, film.media_version, is_public=film.is_public)
    return LiveTile(
        id=str(row.id),
        title=page_request.pick(row.title, row.title_en),
        channel_id=str(row.channel_id),
        channel_name=page_request.pick(row.channel_name, row.channel_name_en),
        state=row.state,
        starts_at=row.started_at or row.starts_at,
        duration_s=(film.duration_ms if film is not None else _streamed_ms(row)) // MS,
        poster=poster,
        reminded=row.reminded,
        visibility=row.visibility,
    )


def _streamed_ms(row: LiveSessionView) -> int:
    """How long a stream was, or goes on at most."""
    return row.position_ms if row.state == "ended" else row.stream_ms or 0


def question_rows(rows: Iterable[LiveQuestionView]) -> tuple[RoomQuestion, ...]:
    """What was asked in a room."""
    return tuple(
        RoomQuestion(
            id=str(row.id),
            person_name=row.person_name,
            org_name=row.org_name,
            text=row.text,
            state=row.state,
            asked_s=row.asked_ms // MS,
            answer=row.answer,
            answered_s=row.answered_ms // MS if row.answered_ms is not None else None,
            own=row.own,
        )
        for row in rows
    )


def room_view(
    page_request: PageRequest,
    room: LiveRoom,
    prices: LivePrices,
    own: PartnerPrices,
    questions: Iterable[LiveQuestionView],
    refused: tuple[str, str] = ("", ""),
) -> LiveRoomView:
    """The room; what cannot be bought (any more) is on nobody's shelf but the host's. `refused`: a question, and why."""
    row, film, services = room.session, room.session.film, page_request.services
    shown = row.state in ("live", "ended") and film is not None
    src = poster = ""
    if film is not None and shown:
        src = media_address(services, film.video_id, film.media_version, is_public=film.is_public)
    if film is not None and film.has_cover:
        poster = cover_address(services, film.video_id, film.media_version, is_public=film.is_public, width=960)
    host = page_request.principal
    return LiveRoomView(
        session=tile(page_request, row),
        description=page_request.pick(row.description, row.description_en),
        src=src,
        poster=poster,
        width=film.width if film is not None else 0,
        height=film.height if film is not None else 0,
        position_ms=row.position_ms if row.state == "live" else 0,
        sequence=row.sequence,
        cards=tuple(
            card(page_request, one, row, prices.get(one.id), own.get(one.plan_id)) for one in room.items if one.on_sale
        ),
        is_host=row.org_id == host.org_id and host.may("videos.write"),
        stream=(live_stream(services, row) or "") if row.state == "live" else "",
        streamed=row.stream_ms is not None,
        questions=question_rows(questions),
        typed=refused[0],
        error=refused[1],
        most=MAX_TEXT,
    )


def card(
    page_request: PageRequest,
    item: LiveItemView,
    row: LiveSessionView,
    price: LivePrice | None = None,
    own: ShownPrice | None = None,
) -> LiveCard:
    """A plan on the shelf. It is bought from the room while that can be named, and by itself before.

    Of the live price and a partner's own the lower one is shown, as the lower one is paid.
    """
    in_room = row.state in ("live", "ended")
    holds = price is not None and row.state == "live" and not price.is_sold_out
    off = price.off(item.unit_price_minor) if price is not None and price.percent_ppm is not None else 0
    reduced = Money(item.unit_price_minor - off, item.currency) if holds and off else None
    is_own = own is not None and (reduced is None or own.unit_price_minor < reduced.amount_minor)
    return LiveCard(
        id=str(item.id),
        listing_id=str(item.listing_id),
        plan_id=str(item.plan_id),
        listing_name=page_request.pick(item.title, item.title_en),
        plan_name=page_request.pick(item.plan_name, item.plan_name_en),
        seller_name=item.seller_name,
        price=Money(item.unit_price_minor, item.currency),
        per=per_of(item.price_unit, item.pricing),
        on_sale=item.on_sale,
        explained=item.explained_now and item.on_sale and row.state == "live",
        spans=tuple((span.from_ms // MS, -(-span.to_ms // MS)) for span in item.spans if span.to_ms is not None),
        address=addresses.with_query(
            addresses.product_buy(str(item.listing_id)),
            plan=str(item.plan_id),
            live=str(row.id) if in_room else None,
            second=row.position_ms // MS if in_room else None,
        ),
        reduced=None if is_own else reduced,
        own=own_price(page_request, own) if is_own else None,
        off=off_in_words(page_request, price.percent_ppm, price.amount_minor, price.currency) if price else "",
        places=price.places if price is not None else None,
        left=price.left if price is not None else None,
        may_price=item.seller_org_id == row.org_id and page_request.principal.may("catalog.write"),
    )


def film_choices(page_request: PageRequest, films: Iterable[FilmChoice]) -> tuple[Choice, ...]:
    """What may be played, with its length."""
    return tuple(
        Choice(
            str(one.id),
            f"{page_request.pick(one.title, one.title_en)} · {page_request.formats.second(one.duration_ms // MS)}",
        )
        for one in films
    )


def plan_choices(page_request: PageRequest, uow: UnitOfWork, room: LiveRoom) -> tuple[Choice, ...]:
    """One's own plans first, then what others sell, without what is on the shelf."""
    there = {item.plan_id for item in room.items}
    own = list_own_plans(uow)
    known = {plan.id for _, plan in own} | there
    others = list_listings(uow, limit=_OTHERS).items
    offered = [*((one, plan) for one, plan in own if plan.id not in there)]
    offered += [(one, plan) for one in others for plan in one.plans if plan.id not in known]
    return tuple(
        Choice(
            str(plan.id),
            f"{page_request.pick(one.title, one.title_en)} · {page_request.pick(plan.name, plan.name_en)}",
        )
        for one, plan in offered
        if one.state == "published"
    )


def as_typed(row: LiveSessionView, time_zone: str) -> Mapping[str, str]:
    """A session's words as its form has them."""
    return {
        "video_id": str(row.video_id or ""),
        "stream_url": row.stream_url or "",
        "stream_minutes": str(row.stream_ms // MINUTE_MS) if row.stream_ms is not None else "",
        "title": row.title,
        "title_en": row.title_en,
        "description": row.description,
        "description_en": row.description_en,
        "visibility": row.visibility,
        "partners": "\n".join(str(one) for one in row.partner_ids),
        "publish_at": at_field(row.starts_at, time_zone),
    }


def at_field(at: datetime, time_zone: str) -> str:
    """A moment as a field has it."""
    return at.astimezone(ZoneInfo(time_zone)).strftime(FIELD)
