"""Demos: a seller's weekly hours, single days and meeting, the times that are free, and that of a request."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, StrictInt, UtcIn, Wire
from kernel.db.uow import UnitOfWork
from marketplace.catalog.queries import get_listing
from marketplace.demos.book_demo import book_demo, cancel_demo
from marketplace.demos.calendar import (
    BEGINS,
    ENDS,
    LENGTH,
    NOTICE_MINUTES,
    SaveHours,
    find_calendar,
    free_slots,
    save_hours,
)
from marketplace.demos.days import AddDemoDay, add_demo_day, list_demo_days, remove_demo_day
from marketplace.demos.meeting import own_meeting, save_own_meeting
from marketplace.demos.models import MOST_OF_MEETING_URL, DemoCalendar, DemoDay
from marketplace.demos.queries import BookingView, booking_of
from marketplace.demos.set_meeting import set_meeting
from marketplace.demos.slots import AHEAD_DAYS, Slot
from marketplace.leads.queries import get_own_lead, get_seller_lead

MANAGE = "leads.manage"
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$", examples=["09:00"])]
MINUTES_OF_HOUR = 60


class HoursIn(Wire):
    """Weekdays (Monday is 1; none gives no demos), hours by the seller's clocks, and how long a demo is."""

    weekdays: Annotated[list[Annotated[StrictInt, Field(ge=1, le=7)]], Field(max_length=7)]
    begins: Clock = "09:00"
    ends: Clock = "17:00"
    length_minutes: Annotated[StrictInt, Field(ge=15, le=240)] = 30
    notice_minutes: Annotated[
        StrictInt, Field(ge=0, le=20_160, description="Between booking and beginning at least")
    ] = NOTICE_MINUTES
    ahead_days: Annotated[StrictInt, Field(ge=1, le=90, description="How far ahead a time can be booked")] = AHEAD_DAYS


class HoursOut(Out):
    """When the seller gives demos, in its time zone; no weekdays while it gives none."""

    weekdays: list[int]
    begins: str
    ends: str
    length_minutes: int
    notice_minutes: int
    ahead_days: int

    @classmethod
    def of(cls, found: DemoCalendar | None) -> HoursOut:
        """From the row; what the form proposes while there is none."""
        if found is None:
            return cls(
                weekdays=[],
                begins=clock_of(BEGINS),
                ends=clock_of(ENDS),
                length_minutes=LENGTH,
                notice_minutes=NOTICE_MINUTES,
                ahead_days=AHEAD_DAYS,
            )
        return cls(
            weekdays=found.weekdays,
            begins=clock_of(found.from_minute),
            ends=clock_of(found.to_minute),
            length_minutes=found.length_minutes,
            notice_minutes=found.notice_minutes,
            ahead_days=found.ahead_days,
        )


class DemoDayIn(Wire):
    """A date on which demos are given otherwise: at a single time beside the weekly hours, or (null) not in those."""

    day: Annotated[date, Field(description="Where the seller keeps its calendar", examples=["2026-12-24"])]
    begins: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["18:30"])] | None = None


class DemoDayOut(Out):
    """Such a date. `begins` is null on a day off."""

    id: UUID
    day: date
    begins: str | None

    @classmethod
    def of(cls, found: DemoDay) -> DemoDayOut:
        """From the row."""
        minute = found.from_minute
        return cls(id=found.id, day=found.day, begins=None if minute is None else clock_of(minute))


class DemoMeetingIn(Wire):
    """Where demos are held online; null: nowhere in particular."""

    url: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=MOST_OF_MEETING_URL,
                description="https, of a public host, without a user; kept in ASCII",
                examples=["https://meeting.tencent.com/dm/3kXhTq7Yw2Lp"],
            ),
        ]
        | None
    )


class DemoMeetingOut(Out):
    """Where the seller holds demos that are booked from now on; null: nowhere in particular."""

    url: str | None


class BookingIn(Wire):
    """One of the free times."""

    starts_at: Annotated[UtcIn, Field(examples=["2026-12-01T02:00:00Z"])]


def clock_of(minute: int) -> str:
    """A minute of the day as clocks show it."""
    hours, minutes = divmod(minute, MINUTES_OF_HOUR)
    return f"{hours:02}:{minutes:02}"


def minute_of(clock: str) -> int:
    """The minute of the day that clocks show so."""
    hours, minutes = clock.split(":")
    return int(hours) * MINUTES_OF_HOUR + int(minutes)


@get("/v1/seller/demo-hours", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_hours(request: ApiRequest) -> HoursOut:
    """When the seller gives demos."""
    with request.transaction() as uow:
        return HoursOut.of(find_calendar(uow, uow.principal.organization()))


@put("/v1/seller/demo-hours", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"])
def put_hours(data: JSONBody[HoursIn], request: ApiRequest) -> HoursOut:
    """Say when the seller gives demos. Times that are booked already stay."""
    command = SaveHours(
        tuple(data.weekdays),
        minute_of(data.begins),
        minute_of(data.ends),
        data.length_minutes,
        data.notice_minutes,
        data.ahead_days,
    )
    return request.transact(lambda uow: HoursOut.of(save_hours(uow, command)))


@get("/v1/seller/demo-days", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_days(request: ApiRequest) -> list[DemoDayOut]:
    """Days off and single times, from today on."""
    with request.transaction() as uow:
        return [DemoDayOut.of(one) for one in list_demo_days(uow)]


@post("/v1/seller/demo-days", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"])
def add_day(data: JSONBody[DemoDayIn], request: ApiRequest) -> DemoDayOut:
    """Take a day off, or give a demo at a single time. There already, nothing changes; what is booked stays."""
    command = AddDemoDay(data.day, minute_of(data.begins) if data.begins else None)
    return request.transact(lambda uow: DemoDayOut.of(add_demo_day(uow, command)))


@delete("/v1/seller/demo-days/{demo_day_id:uuid}", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def remove_day(demo_day_id: FromPath[UUID], request: ApiRequest) -> None:
    """As every week again, or the single time no more. What is booked stays."""
    request.transact(lambda uow: remove_demo_day(uow, demo_day_id))


@get("/v1/seller/demo-meeting", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_meeting(request: ApiRequest) -> DemoMeetingOut:
    """Where the seller holds demos online. Buyers read it in what they booked."""
    with request.transaction() as uow:
        return DemoMeetingOut(url=own_meeting(uow))


@put("/v1/seller/demo-meeting", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"])
def put_meeting(data: JSONBody[DemoMeetingIn], request: ApiRequest) -> DemoMeetingOut:
    """Say where demos are held that are booked from now on. Demos that are booked already stay where they are."""
    return request.transact(lambda uow: DemoMeetingOut(url=save_own_meeting(uow, data.url)))


@get("/v1/listings/{listing_id:uuid}/demo-slots", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def get_slots(listing_id: FromPath[UUID], request: ApiRequest) -> list[Slot]:
    """The seller's free times, in order, as far ahead as it lets book."""
    with request.transaction() as uow:
        return free_slots(uow, get_listing(uow, listing_id).org_id)


@put("/v1/leads/{lead_id:uuid}/booking", permission=SIGNED_IN, refuses=[409], sync_to_thread=True, tags=["catalogue"])
def book(lead_id: FromPath[UUID], data: JSONBody[BookingIn], request: ApiRequest) -> BookingView:
    """Book a time for the request, in place of the one it has. Both sides have it by mail for their calendars."""

    def work(uow: UnitOfWork) -> BookingView:
        get_own_lead(uow, lead_id)
        return _booked(uow, lead_id, data)

    return request.transact(work)


@delete("/v1/leads/{lead_id:uuid}/booking", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def give_up(lead_id: FromPath[UUID], request: ApiRequest) -> None:
    """Give the time up. There is none: nothing changes."""

    def work(uow: UnitOfWork) -> None:
        get_own_lead(uow, lead_id)
        cancel_demo(uow, lead_id)

    request.transact(work)


@put("/v1/seller/leads/{lead_id:uuid}/booking", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"])
def move(lead_id: FromPath[UUID], data: JSONBody[BookingIn], request: ApiRequest) -> BookingView:
    """Give the request another of one's free times."""

    def work(uow: UnitOfWork) -> BookingView:
        get_seller_lead(uow, lead_id)
        return _booked(uow, lead_id, data)

    return request.transact(work)


@put(
    "/v1/seller/leads/{lead_id:uuid}/booking/meeting",
    permission=MANAGE,
    refuses=[409],
    sync_to_thread=True,
    tags=["seller"],
)
def meet_elsewhere(lead_id: FromPath[UUID], data: JSONBody[DemoMeetingIn], request: ApiRequest) -> BookingView:
    """Hold a demo that has not begun there. Both sides have it by mail for their calendars; the same again changes nothing."""

    def work(uow: UnitOfWork) -> BookingView:
        get_seller_lead(uow, lead_id)
        set_meeting(uow, lead_id, data.url)
        return _found(uow, lead_id)

    return request.transact(work)


@delete("/v1/seller/leads/{lead_id:uuid}/booking", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def call_off(lead_id: FromPath[UUID], request: ApiRequest) -> None:
    """Call the demo off. There is none: nothing changes."""

    def work(uow: UnitOfWork) -> None:
        get_seller_lead(uow, lead_id)
        cancel_demo(uow, lead_id)

    request.transact(work)


def _booked(uow: UnitOfWork, lead_id: UUID, data: BookingIn) -> BookingView:
    book_demo(uow, lead_id, data.starts_at)
    return _found(uow, lead_id)


def _found(uow: UnitOfWork, lead_id: UUID) -> BookingView:
    found = booking_of(uow, lead_id)
    assert found is not None  # noqa: S101 - it was locked just now
    return found


routes = [
    get_hours,
    put_hours,
    get_days,
    add_day,
    remove_day,
    get_meeting,
    put_meeting,
    get_slots,
    book,
    give_up,
    move,
    meet_elsewhere,
    call_off,
]
