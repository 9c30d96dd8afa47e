"""Exhibition halls as organizers and exhibitors run them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, PageOut, Paging, UtcIn, Wire, idempotent_command, list_page, unchanged
from api.v1.halls import HallOut
from kernel.db.uow import UnitOfWork
from marketplace.halls.booths import (
    MAX_ITEMS,
    SaveBooth,
    answer_booth,
    invite_exhibitor,
    remove_booth,
    save_booth,
)
from marketplace.halls.exchange_badge import ask_badge
from marketplace.halls.queries import (
    BoothView,
    HallInvitation,
    HallView,
    agenda_of,
    booths_of,
    get_own_booth,
    get_own_hall,
    hall_view,
    list_own_booths,
    list_own_halls,
)
from marketplace.halls.save_agenda import MAX_AGENDA, AgendaDraft, save_agenda
from marketplace.halls.save_hall import (
    MAX_ABOUT,
    MAX_TITLE,
    PERMISSION,
    SaveHall,
    archive_hall,
    publish_hall,
    save_hall,
)
from marketplace.halls.visitor_queries import BoothCount, ExchangeView, VisitorView, list_exchanges, list_visitors
from orders.halls.hall_report import ExhibitorReport, HallReport, exhibitor_report, hall_report

HallTitle = Annotated[str, Field(max_length=MAX_TITLE)]
About = Annotated[str, Field(max_length=MAX_ABOUT)]


class HallIn(Wire):
    """What a hall is, and when."""

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE, examples=["秋季云展会"])]
    opens_at: Annotated[UtcIn, Field(examples=["2026-12-01T01:00:00Z"])]
    closes_at: Annotated[UtcIn, Field(examples=["2026-12-03T09:00:00Z"])]
    title_en: HallTitle = ""
    about: About = ""
    about_en: About = ""
    visibility: Literal["public", "unlisted"] = "public"


class ExhibitorIn(Wire):
    """Whom the organizer invites; itself for a booth of its own."""

    organization_id: Annotated[UUID, Field(description="As `GET /v1/organizations` finds it")]


class AgendaItemIn(Wire):
    """One thing that happens. `video_id`: anybody's that everybody may watch."""

    starts_at: UtcIn
    ends_at: UtcIn
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE, examples=["开幕"])]
    title_en: HallTitle = ""
    speaker: HallTitle = ""
    video_id: UUID | None = None


class AgendaIn(Wire):
    """All that happens in a hall."""

    items: Annotated[list[AgendaItemIn], Field(max_length=MAX_AGENDA)]


class BoothIn(Wire):
    """What a booth shows: a channel, products on sale, and videos that everybody may watch, each in this order."""

    channel_id: UUID | None = None
    listing_ids: Annotated[list[UUID], Field(default_factory=list, max_length=MAX_ITEMS)]
    video_ids: Annotated[list[UUID], Field(default_factory=list, max_length=MAX_ITEMS)]
    words: Annotated[str, Field(max_length=2_000)] = ""
    words_en: Annotated[str, Field(max_length=2_000)] = ""


class BoothAnswerIn(Wire):
    """Whether the exhibitor takes the booth."""

    accept: bool


class BadgeScanIn(Wire):
    """The code of a badge, as its QR code or its bearer says it."""

    code: Annotated[str, Field(min_length=1, max_length=40, examples=["7KQ2-M4XH-9VTB"])]


class ScanOut(Out):
    """What was asked: nothing of the visitor is told before they agree."""

    id: UUID
    state: str


class ExhibitorReportOut(Out):
    """What came of one's own booth."""

    count: BoothCount
    orders: int
    amounts: list[MoneyOut]


@get("/v1/organizer/halls", permission=SIGNED_IN, sync_to_thread=True, tags=["halls"])
def get_own_halls(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[HallView]]:
    """The halls that one organizes, the newest first."""
    return list_page(request, paging, list_own_halls, unchanged)


@post("/v1/organizer/halls", permission=SIGNED_IN, refuses=[403, 409], sync_to_thread=True, tags=["halls"])
def post_hall(data: JSONBody[HallIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[HallOut]:
    """Open a hall, as a draft."""
    command = SaveHall(**data.model_dump())
    return idempotent_command(request, idempotency_key, data, lambda uow: desk_of(uow, save_hall(uow, command).id))


@get("/v1/organizer/halls/{hall_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["halls"])
def get_organized_hall(hall_id: FromPath[UUID], request: ApiRequest) -> HallOut:
    """One of them, with the booths that are not answered or declined."""
    with request.transaction() as uow:
        return desk_of(uow, hall_id)


@put("/v1/organizer/halls/{hall_id:uuid}", permission=SIGNED_IN, refuses=[409], sync_to_thread=True, tags=["halls"])
def put_hall(hall_id: FromPath[UUID], data: JSONBody[HallIn], request: ApiRequest) -> HallOut:
    """Say otherwise what it is. Once it opened, its opening stays."""
    command = SaveHall(**data.model_dump(), id=hall_id)
    return request.transact(lambda uow: desk_of(uow, save_hall(uow, command).id))


@post(
    "/v1/organizer/halls/{hall_id:uuid}/publication",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["halls"],
)
def post_hall_publication(hall_id: FromPath[UUID], request: ApiRequest) -> HallView:
    """Let everybody see it. Done already, nothing changes."""
    return request.transact(lambda uow: hall_view(publish_hall(uow, hall_id)))


@post(
    "/v1/organizer/halls/{hall_id:uuid}/archive",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["halls"],
)
def post_hall_archive(hall_id: FromPath[UUID], request: ApiRequest) -> HallView:
    """Show it to nobody any more. Done already, nothing changes."""
    return request.transact(lambda uow: hall_view(archive_hall(uow, hall_id)))


@put(
    "/v1/organizer/halls/{hall_id:uuid}/agenda",
    permission=SIGNED_IN,
    refuses=[409],
    sync_to_thread=True,
    tags=["halls"],
)
def put_agenda(hall_id: FromPath[UUID], data: JSONBody[AgendaIn], request: ApiRequest) -> HallOut:
    """Let this be the agenda."""
    items = [AgendaDraft(**one.model_dump()) for one in data.items]

    def work(uow: UnitOfWork) -> HallOut:
        save_agenda(uow, hall_id, items)
        return desk_of(uow, hall_id)

    return request.transact(work)


@post(
    "/v1/organizer/halls/{hall_id:uuid}/booths",
    permission=SIGNED_IN,
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["halls"],
)
def post_booth(
    hall_id: FromPath[UUID], data: JSONBody[ExhibitorIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[BoothView]:
    """Invite an exhibitor."""

    def work(uow: UnitOfWork) -> BoothView:
        return booth_of(uow, hall_id, invite_exhibitor(uow, hall_id, data.organization_id).id)

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/organizer/booths/{booth_id:uuid}/removal",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["halls"],
)
def post_booth_removal(booth_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take an exhibitor out of one's hall. Done already, nothing changes."""
    request.transact(lambda uow: remove_booth(uow, booth_id).id)


@get("/v1/organizer/halls/{hall_id:uuid}/visitors", permission=SIGNED_IN, sync_to_thread=True, tags=["halls"])
def get_visitors(hall_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[VisitorView]]:
    """Who is registered, the newest first."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return list_visitors(uow, hall_id, **paged)

    return list_page(request, paging, rows, unchanged)


@get("/v1/organizer/halls/{hall_id:uuid}/report", permission=SIGNED_IN, sync_to_thread=True, tags=["halls"])
def get_hall_report(hall_id: FromPath[UUID], request: ApiRequest) -> HallReport:
    """What came of a hall: visitors, visits, badges, requests, orders."""
    with request.transaction() as uow:
        return hall_report(uow, hall_id)


@get("/v1/seller/booths", permission=PERMISSION, sync_to_thread=True, tags=["halls"])
def get_own_booths(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[HallInvitation]]:
    """Where one exhibits or is invited to, the newest first."""
    return list_page(request, paging, list_own_booths, unchanged)


@get("/v1/seller/booths/{booth_id:uuid}", permission=PERMISSION, sync_to_thread=True, tags=["halls"])
def get_exhibited_booth(booth_id: FromPath[UUID], request: ApiRequest) -> HallInvitation:
    """One of them."""
    with request.transaction() as uow:
        return get_own_booth(uow, booth_id)


@put("/v1/seller/booths/{booth_id:uuid}", permission=PERMISSION, refuses=[409], sync_to_thread=True, tags=["halls"])
def put_booth(booth_id: FromPath[UUID], data: JSONBody[BoothIn], request: ApiRequest) -> HallInvitation:
    """Say what it shows."""
    command = SaveBooth(booth_id, **data.model_dump())
    return request.transact(lambda uow: get_own_booth(uow, save_booth(uow, command).id))


@post(
    "/v1/seller/booths/{booth_id:uuid}/answer",
    permission=PERMISSION,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["halls"],
)
def post_booth_answer(booth_id: FromPath[UUID], data: JSONBody[BoothAnswerIn], request: ApiRequest) -> HallInvitation:
    """Take the booth, or decline. Answered so already, nothing changes."""
    return request.transact(lambda uow: get_own_booth(uow, answer_booth(uow, booth_id, accept=data.accept).id))


@post(
    "/v1/seller/booths/{booth_id:uuid}/scans",
    permission=PERMISSION,
    refuses=[404, 409, 429],
    status_code=200,
    sync_to_thread=True,
    tags=["halls"],
)
def post_badge_scan(booth_id: FromPath[UUID], data: JSONBody[BadgeScanIn], request: ApiRequest) -> ScanOut:
    """Ask whoever bears a badge for their contact. Asked or given already, nothing changes."""

    def work(uow: UnitOfWork) -> ScanOut:
        asked = ask_badge(uow, booth_id, data.code)
        return ScanOut(id=asked.id, state=asked.state)

    return request.transact(work)


@get("/v1/seller/booths/{booth_id:uuid}/badges", permission=PERMISSION, sync_to_thread=True, tags=["halls"])
def get_exchanges(
    booth_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[ExchangeView]]:
    """The badges that a booth was given, or asked for; the newest first."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return list_exchanges(uow, booth_id, **paged)

    return list_page(request, paging, rows, unchanged)


@get("/v1/seller/booths/{booth_id:uuid}/report", permission=PERMISSION, sync_to_thread=True, tags=["halls"])
def get_booth_report(booth_id: FromPath[UUID], request: ApiRequest) -> ExhibitorReportOut:
    """What came of one's booth."""
    with request.transaction() as uow:
        return exhibitor_out(exhibitor_report(uow, booth_id))


def desk_of(uow: UnitOfWork, hall_id: UUID) -> HallOut:
    """Raises as `get_own_hall`."""
    return HallOut(
        hall=get_own_hall(uow, hall_id),
        booths=booths_of(uow, hall_id, only_accepted=False),
        agenda=agenda_of(uow, hall_id),
    )


def booth_of(uow: UnitOfWork, hall_id: UUID, booth_id: UUID) -> BoothView:
    """A booth of one's hall that there is."""
    return next(one for one in booths_of(uow, hall_id, only_accepted=False) if one.id == booth_id)


def exhibitor_out(report: ExhibitorReport) -> ExhibitorReportOut:
    """As it goes out."""
    return ExhibitorReportOut(
        count=report.count, orders=report.orders, amounts=[MoneyOut.of_money(one) for one in report.amounts]
    )


routes = [
    get_own_halls,
    post_hall,
    get_organized_hall,
    put_hall,
    post_hall_publication,
    post_hall_archive,
    put_agenda,
    post_booth,
    post_booth_removal,
    get_visitors,
    get_hall_report,
    get_own_booths,
    get_exhibited_booth,
    put_booth,
    post_booth_answer,
    post_badge_scan,
    get_exchanges,
    get_booth_report,
]
