"""Demos: when a seller gives them, which times are free, and the time of a request, moved and given up by either side."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import delete, get, put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, StrictInt, UtcIn, Wire
from kernel.db.uow import UnitOfWork
from marketplace.catalog.queries import get_listing
from marketplace.demos.book_demo import book_demo, cancel_demo
from marketplace.demos.calendar import SaveHours, find_calendar, free_slots, save_hours
from marketplace.demos.models import DemoCalendar
from marketplace.demos.queries import BookingView, booking_of
from marketplace.demos.slots import Slot
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


class HoursOut(Out):
    """When the seller gives demos, in its time zone; no weekdays while it gives none."""

    weekdays: list[int]
    begins: str
    ends: str
    length_minutes: int

    @classmethod
    def of(cls, found: DemoCalendar | None) -> HoursOut:
        """From the row; what the form proposes while there is none."""
        if found is None:
            return cls(weekdays=[], begins="09:00", ends="17:00", length_minutes=30)
        return cls(
            weekdays=found.weekdays,
            begins=clock_of(found.from_minute),
            ends=clock_of(found.to_minute),
            length_minutes=found.length_minutes,
        )


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
    command = SaveHours(tuple(data.weekdays), minute_of(data.begins), minute_of(data.ends), data.length_minutes)
    return request.transact(lambda uow: HoursOut.of(save_hours(uow, command)))


@get("/v1/listings/{listing_id:uuid}/demo-slots", permission=SIGNED_IN, sync_to_thread=True, tags=["catalogue"])
def get_slots(listing_id: FromPath[UUID], request: ApiRequest) -> list[Slot]:
    """The seller's free times of the next two weeks, in order."""
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


@delete("/v1/seller/leads/{lead_id:uuid}/booking", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def call_off(lead_id: FromPath[UUID], request: ApiRequest) -> None:
    """Call the demo off. There is none: nothing changes."""

    def work(uow: UnitOfWork) -> None:
        get_seller_lead(uow, lead_id)
        cancel_demo(uow, lead_id)

    request.transact(work)


def _booked(uow: UnitOfWork, lead_id: UUID, data: BookingIn) -> BookingView:
    book_demo(uow, lead_id, data.starts_at)
    found = booking_of(uow, lead_id)
    assert found is not None  # noqa: S101 - it was booked just now
    return found


routes = [get_hours, put_hours, get_slots, book, give_up, move, call_off]
