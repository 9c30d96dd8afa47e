"""Demos on pages: a seller's hours, and the time of a request, chosen, moved and given up by either side."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.leads.presenter import lead_address, own_page, refusal, seller_page
from api.pages.leads.views import DemoDayItem, DemoHoursView
from api.v1.demos import MANAGE, HoursOut, clock_of, minute_of
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.demos.book_demo import book_demo, cancel_demo
from marketplace.demos.calendar import SaveHours, find_calendar, save_hours
from marketplace.demos.days import AddDemoDay, add_demo_day, list_demo_days, remove_demo_day
from marketplace.demos.meeting import own_meeting, save_own_meeting
from marketplace.demos.models import DemoDay
from marketplace.demos.set_meeting import set_meeting
from marketplace.leads.queries import get_own_lead, get_seller_lead
from marketplace.parties.lookups import get_party

Answer = Response[str] | Response[bytes]
WEEKDAYS = tuple(str(day) for day in range(1, 8))
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)


MEETING_TYPED = 2_000
"""Characters: more than an address may have, so that one that is too long is said to be so at its field."""
TYPED = ("begins", "ends", "length_minutes", "notice_minutes", "ahead_days")


@page(addresses.SELLER_DEMO_HOURS, MANAGE)
def show_hours(page_request: Given[PageRequest]) -> Answer:
    """When demos are given."""
    require_seller(page_request)
    return page_request.render(_hours(page_request))


@form_post(addresses.SELLER_DEMO_HOURS, MANAGE)
def save(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say when demos are given."""
    require_seller(page_request)
    typed: dict[str, Any] = {name: form.values.get(name, "")[:10] for name in TYPED}
    chosen = tuple(day for day in WEEKDAYS if form.text(f"day_{day}", most=3) == "yes")
    try:
        for name in ("begins", "ends"):
            if not _CLOCK.fullmatch(typed[name]):
                raise Invalid("demo_hours_invalid", field=name)
        command = SaveHours(
            tuple(int(day) for day in chosen),
            minute_of(typed["begins"]),
            minute_of(typed["ends"]),
            form.number("length_minutes", least=15, most=240),
            form.number("notice_minutes", most=14 * 1440),
            form.number("ahead_days", least=1, most=90),
        )
        page_request.transact(lambda uow: save_hours(uow, command).id)
    except DomainError as refused:
        view = replace(_hours(page_request), chosen=chosen, **typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.SELLER_DEMO_HOURS, notice="demo_hours_saved")


@form_post(addresses.SELLER_DEMO_DAYS, MANAGE)
def add_day(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """A day off, or a single time: pressed twice it is one."""
    require_seller(page_request)
    typed: dict[str, Any] = {name: form.values.get(name, "")[:10] for name in ("day", "kind", "day_begins")}
    try:
        command = AddDemoDay(_day(typed["day"]), _single(typed["day_begins"]) if typed["kind"] == "single" else None)
        page_request.transact(lambda uow: add_demo_day(uow, command).id)
    except DomainError as refused:
        wrong = refusal(page_request, refused)
        if wrong.get("error_field") == "begins":
            wrong["error_field"] = "day_begins"
        return page_request.render(replace(_hours(page_request), **typed, **wrong), status=refused.status)
    return page_request.redirect(addresses.SELLER_DEMO_HOURS, notice="demo_hours_saved")


@form_post("/seller/demo-days/{demo_day_id:uuid}/remove", MANAGE)
def remove_day(demo_day_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take it out again. Pressed twice, the calendar is shown as it is."""
    del form
    with suppress(NotFound):
        page_request.transact(lambda uow: remove_demo_day(uow, demo_day_id))
    return page_request.redirect(addresses.SELLER_DEMO_HOURS)


@form_post(f"{addresses.SELLER_DEMO_HOURS}/meeting", MANAGE)
def save_meeting(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say where demos are held; left empty, nowhere in particular."""
    require_seller(page_request)
    typed = _meeting_typed(form)
    try:
        page_request.transact(lambda uow: save_own_meeting(uow, typed or None))
    except DomainError as refused:
        view = replace(_hours(page_request), meeting_url=typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.SELLER_DEMO_HOURS, notice="demo_meeting_saved")


@form_post("/seller/leads/{lead_id:uuid}/booking/meeting", MANAGE)
def meet_elsewhere(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say where one demo is held; left empty, nowhere in particular."""
    typed = _meeting_typed(form)

    def work(uow: UnitOfWork) -> None:
        get_seller_lead(uow, lead_id)
        set_meeting(uow, lead_id, typed or None)

    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(seller_page(page_request, lead_id), meeting_url=typed, **refusal(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(lead_address(str(lead_id), sells=True), notice="demo_meeting_saved")


@form_post("/requests/{lead_id:uuid}/booking", SIGNED_IN)
def book(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Choose a time, or (`action` = cancel) give it up."""
    return _changed(page_request, form, lead_id, sells=False)


@form_post("/seller/leads/{lead_id:uuid}/booking", MANAGE)
def move(lead_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """The same by the seller."""
    return _changed(page_request, form, lead_id, sells=True)


def slot_of(typed: str) -> datetime:
    """The time that a choice names. Raises Invalid(`slot_not_offered`)."""
    try:
        chosen = datetime.fromisoformat(typed)
    except ValueError as error:
        raise Invalid("slot_not_offered", field="slot") from error
    if chosen.tzinfo is None:
        raise Invalid("slot_not_offered", field="slot")
    return chosen


def _changed(page_request: PageRequest, form: Form, lead_id: UUID, *, sells: bool) -> Answer:
    def work(uow: UnitOfWork) -> None:
        (get_seller_lead if sells else get_own_lead)(uow, lead_id)
        if form.text("action", most=10) == "cancel":
            cancel_demo(uow, lead_id)
        else:
            book_demo(uow, lead_id, slot_of(form.text("slot", most=40)))

    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = (seller_page if sells else own_page)(page_request, lead_id)
        return page_request.render(replace(view, **refusal(page_request, refused)), status=refused.status)
    return page_request.redirect(lead_address(str(lead_id), sells=sells))


def _hours(page_request: PageRequest) -> DemoHoursView:
    with page_request.work() as uow:
        org_id = uow.principal.organization()
        found, days = HoursOut.of(find_calendar(uow, org_id)), list_demo_days(uow)
        time_zone, meeting_url = get_party(uow, org_id).time_zone, own_meeting(uow) or ""
    return DemoHoursView(
        WEEKDAYS,
        tuple(str(day) for day in found.weekdays),
        found.begins,
        found.ends,
        str(found.length_minutes),
        str(found.notice_minutes),
        str(found.ahead_days),
        time_zone,
        tuple(_day_item(one) for one in days),
        meeting_url=meeting_url,
    )


def _day_item(row: DemoDay) -> DemoDayItem:
    begins = "" if row.from_minute is None else clock_of(row.from_minute)
    return DemoDayItem(row.day, begins, addresses.demo_day_remove(str(row.id)))


def _meeting_typed(form: Form) -> str:
    return form.values.get("meeting_url", "").strip()[:MEETING_TYPED]


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise Invalid("validation_failed", field="day") from error


def _single(typed: str) -> int:
    if not _CLOCK.fullmatch(typed):
        raise Invalid("validation_failed", field="day_begins")
    return minute_of(typed)


routes = [show_hours, save, add_day, remove_day, save_meeting, book, move, meet_elsewhere]
