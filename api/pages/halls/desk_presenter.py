"""Halls and booths in the words of those who run them, and what they typed as commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from api.pages.frame import addresses, hall_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import Form, PageRequest, parse_uuid_or_404
from api.pages.frame.translations import translations
from api.pages.frame.typed_numbers import find_whole
from api.pages.halls.presenter import agenda_rows, booth_item, hall_item, may_organize
from api.pages.halls.views import (
    AgendaTyped,
    BoothFigures,
    DeskPage,
    HallTyped,
    InvitationItem,
    MetItem,
    OfferedItem,
    OwnBoothPage,
    OwnHallsView,
    ReportPage,
    VisitorItem,
)
from kernel import clock
from kernel.errors import Forbidden, Invalid
from kernel.ids import uuid7
from marketplace.catalog.listing_filter import ListingFilter
from marketplace.catalog.queries import list_listings
from marketplace.channels.queries import list_own_channels
from marketplace.halls.models import VISIBILITIES
from marketplace.halls.queries import (
    HallView,
    agenda_of,
    booths_of,
    get_own_booth,
    get_own_hall,
    list_own_booths,
    list_own_halls,
    watchable_videos_of,
)
from marketplace.halls.save_agenda import AgendaDraft
from marketplace.halls.save_hall import PERMISSION, SaveHall
from marketplace.halls.visitor_queries import ExchangeView, list_exchanges, list_visitors
from marketplace.videos.queries import summaries_of
from orders.halls.hall_report import COUNTED_DAYS, exhibitor_report, hall_report

MOST_LISTINGS = 100
_LOCAL = "%Y-%m-%dT%H:%M"
_USUAL = timedelta(days=14)


def own_halls_view(page_request: PageRequest) -> OwnHallsView:
    """The halls that the reader organizes, and its booths. Raises Forbidden(`permission_missing`) to whoever does neither."""
    organizes, exhibits = may_organize(page_request), page_request.principal.may(PERMISSION)
    if not organizes and not exhibits:
        raise Forbidden("permission_missing", permission=PERMISSION)
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        halls = list_own_halls(uow, cursor=cursor) if organizes else None
        booths = list_own_booths(uow, limit=100).items if exhibits else []
    opens = clock.now().astimezone(ZoneInfo(page_request.time_zone)).replace(hour=9, minute=0) + _USUAL
    return OwnHallsView(
        rows=tuple(hall_item(page_request, one) for one in halls.items) if halls else (),
        booths=tuple(
            InvitationItem(
                str(one.booth.id),
                one.booth.state,
                hall_item(page_request, one.hall),
                hall_addresses.own_booth(str(one.booth.id)),
            )
            for one in booths
        ),
        typed=HallTyped(
            opens_at=opens.strftime(_LOCAL), closes_at=(opens + timedelta(days=2, hours=8)).strftime(_LOCAL)
        ),
        zone=page_request.time_zone,
        visibilities=_visibilities(page_request) if organizes else (),
        idempotency_key=str(uuid7()),
        next_address=addresses.next_page(hall_addresses.OWN_HALLS, halls.next_cursor if halls else None),
    )


def desk_page(page_request: PageRequest, hall_id: UUID) -> DeskPage:
    """A hall as its organizer works on it. Raises as `get_own_hall`."""
    own_id = page_request.principal.organization()
    with page_request.work() as uow:
        hall = get_own_hall(uow, hall_id)
        booths = booths_of(uow, hall_id, only_accepted=False)
        agenda = agenda_rows(page_request, uow, agenda_of(uow, hall_id))
        shown = summaries_of(uow, [video_id for one in booths for video_id in one.video_ids])
        videos = {str(one[0]): page_request.pick(one[1], one[2]) for one in watchable_videos_of(uow, own_id)}
    videos |= {str(one.id): page_request.pick(one.title, one.title_en) for one in shown.values() if one.is_public}
    here = str(hall.id)
    signed_in = page_request.signed_in
    sells = signed_in is not None and signed_in.organization.is_seller
    return DeskPage(
        hall=hall_item(page_request, hall),
        state=hall.state,
        booths=tuple(
            booth_item(page_request, one, hall_addresses.own_hall(here, f"/booths/{one.id}/remove")) for one in booths
        ),
        agenda=agenda,
        typed=_typed(page_request, hall),
        item=AgendaTyped(
            starts_at=_local(page_request, hall.opens_at),
            ends_at=_local(page_request, hall.opens_at + timedelta(minutes=30)),
        ),
        zone=page_request.time_zone,
        visibilities=_visibilities(page_request),
        videos=(Choice("", page_request.t("halls.no_video")), *(Choice(*one) for one in videos.items())),
        link=f"{page_request.services.settings.public_url.rstrip('/')}{hall_addresses.hall(here)}",
        may_exhibit=sells and not any(one.exhibitor_org_id == own_id and one.state == "accepted" for one in booths),
        own_id=str(own_id),
    )


def report_page(page_request: PageRequest, hall_id: UUID) -> ReportPage:
    """What came of a hall. Raises as `get_own_hall`."""
    with page_request.work() as uow:
        report = hall_report(uow, hall_id)
        visitors = list_visitors(uow, hall_id, cursor=page_request.query("cursor", most=200) or None)
    names = ("visitors", "organizations", "visits", "exchanges", "leads", "won", "orders")
    return ReportPage(
        hall=hall_item(page_request, report.hall),
        figures=tuple((name, getattr(report, name)) for name in names),
        booths=tuple(
            BoothFigures(
                one.count.exhibitor_name,
                one.count.visits,
                one.count.exchanges,
                one.count.leads,
                one.count.won,
                one.orders,
            )
            for one in report.booths
        ),
        visitors=tuple(
            VisitorItem(
                one.name,
                one.company,
                tuple(said for said in (one.job_title, one.email, one.phone) if said),
                one.created_at,
            )
            for one in visitors.items
        ),
        days=COUNTED_DAYS,
        next_address=addresses.next_page(hall_addresses.own_hall(str(hall_id), "/report"), visitors.next_cursor),
    )


def own_booth_page(page_request: PageRequest, booth_id: UUID) -> OwnBoothPage:
    """A booth as its exhibitor works on it. Raises as `get_own_booth`."""
    own_id = page_request.principal.organization()
    with page_request.work() as uow:
        found = get_own_booth(uow, booth_id)
        listings = list_listings(uow, limit=MOST_LISTINGS, only=ListingFilter(org_id=own_id)).items
        videos, channels = watchable_videos_of(uow, own_id), list_own_channels(uow)
        met = list_exchanges(uow, booth_id, cursor=page_request.query("cursor", most=200) or None)
        report = exhibitor_report(uow, booth_id)
    booth, here = found.booth, hall_addresses.own_booth(str(booth_id))
    counts = (*((name, getattr(report.count, name)) for name in ("visits", "exchanges", "leads", "won")),)
    return OwnBoothPage(
        id=str(booth.id),
        state=booth.state,
        hall=hall_item(page_request, found.hall),
        public=hall_addresses.booth(str(booth.id)) if found.hall.state == "published" else "",
        words=booth.words,
        words_en=booth.words_en,
        channel=str(booth.channel_id or ""),
        channels=(
            Choice("", page_request.t("halls.no_channel")),
            *(Choice(str(one.id), page_request.pick(one.name, one.name_en)) for one in channels),
        ),
        products=_offered(
            [(one.id, page_request.pick(one.title, one.title_en)) for one in listings], booth.listing_ids
        ),
        videos=_offered([(one[0], page_request.pick(one[1], one[2])) for one in videos], booth.video_ids),
        met=tuple(_met(one) for one in met.items),
        figures=(*counts, ("orders", report.orders)),
        amounts=tuple(page_request.formats.money(one) for one in report.amounts),
        days=COUNTED_DAYS,
        next_address=addresses.next_page(here, met.next_cursor),
    )


def hall_of_form(page_request: PageRequest, typed: HallTyped) -> SaveHall:
    """Raises Invalid(`hall_instant_invalid`) for what is no day and time."""
    return SaveHall(
        typed.title,
        _instant(page_request, typed.opens_at, "opens_at"),
        _instant(page_request, typed.closes_at, "closes_at"),
        typed.title_en,
        typed.about,
        typed.about_en,
        typed.visibility,
    )


def agenda_of_form(page_request: PageRequest, typed: AgendaTyped) -> AgendaDraft:
    """As `hall_of_form`, of one thing of the agenda."""
    return AgendaDraft(
        _instant(page_request, typed.starts_at, "items"),
        _instant(page_request, typed.ends_at, "items"),
        typed.title,
        typed.title_en,
        typed.speaker,
        parse_uuid_or_404(typed.video_id, "video_not_found") if typed.video_id else None,
    )


def placed(form: Form, items: Sequence[OfferedItem]) -> list[UUID]:
    """Of these, what has a place, by it."""
    places = [(find_whole(form.values.get(f"place_{one.id}", "")[:4]), one.id) for one in items]
    return [UUID(id_) for place, id_ in sorted((place, id_) for place, id_ in places if place)]


def _visibilities(page_request: PageRequest) -> tuple[Choice, ...]:
    words = translations(page_request.language)
    return tuple(Choice(one, words.word("hall_visibility", one)) for one in VISIBILITIES)


def _typed(page_request: PageRequest, hall: HallView) -> HallTyped:
    return HallTyped(
        hall.title,
        hall.title_en,
        hall.about,
        hall.about_en,
        hall.visibility,
        _local(page_request, hall.opens_at),
        _local(page_request, hall.closes_at),
    )


def _local(page_request: PageRequest, at: datetime) -> str:
    return at.astimezone(ZoneInfo(page_request.time_zone)).strftime(_LOCAL)


def _instant(page_request: PageRequest, typed: str, field: str) -> datetime:
    """What was typed is in the reader's zone."""
    try:
        found = datetime.fromisoformat(typed)
        if found.tzinfo is None:
            return found.replace(tzinfo=ZoneInfo(page_request.time_zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("hall_instant_invalid", field=field) from error
    raise Invalid("hall_instant_invalid", field=field)


def _offered(rows: Sequence[tuple[UUID, str]], shown: Sequence[UUID]) -> tuple[OfferedItem, ...]:
    places = {one: place for place, one in enumerate(shown, 1)}
    items = [OfferedItem(str(one), label, str(places.get(one, ""))) for one, label in rows]
    return tuple(sorted(items, key=lambda one: (not one.place, int(one.place or 0))))


def _met(one: ExchangeView) -> MetItem:
    return MetItem(
        one.state,
        tuple(said for said in (one.name, one.company, one.job_title, one.email, one.phone) if said),
        one.consent_text or "",
        one.given_at or one.created_at,
        addresses.seller_lead(str(one.lead_id)) if one.lead_id else "",
    )
