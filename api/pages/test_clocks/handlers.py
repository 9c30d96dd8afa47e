"""A developer's test clocks: made, moved, looked at, deleted. Sandbox only."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.test_clocks.views import ClockStep, ClocksView, ClockView, HappeningItem
from api.v1.test_clocks import require_sandbox
from kernel.calendar import add_months
from kernel.errors import DomainError, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.test_clocks.create_test_clock import MANAGE, create_test_clock, replace_key
from marketplace.test_clocks.move_test_clock import advance_test_clock, delete_test_clock
from marketplace.test_clocks.queries import TestClockView, get_test_clock, list_happenings, list_test_clocks
from marketplace.webhooks.event_types import event_types
from orders.test_clocks.due_instants import next_due_at

Answer = Response[str] | Response[bytes]
REFRESH_S = 2
"""While a clock moves."""


@page(addresses.clocks.TEST_CLOCKS, MANAGE)
def show_clocks(page_request: Given[PageRequest]) -> Answer:
    """All of them, and the form for one."""
    require_sandbox(page_request.request)
    return page_request.render(_clocks(page_request))


@form_post(addresses.clocks.TEST_CLOCKS, MANAGE)
def make(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make one and show its key. Pressed twice it is one."""
    require_sandbox(page_request.request)
    name, key = form.text("name", most=500), form.text("key", most=100)
    try:
        made = page_request.transact(lambda uow: create_test_clock(uow, name, _id_of(key)))
    except Forbidden:
        raise
    except DomainError as refused:
        said = failure(page_request, refused)
        wrong: dict[str, Any] = (
            {"error_field": "name", "field_error": said} if isinstance(refused, Invalid) else {"error": said}
        )
        view = replace(_clocks(page_request), name=name, key=key, **wrong)
        return page_request.render(view, status=refused.status)
    return _clock(page_request, made.row.id, secret=made.key)


@page("/test-clocks/{clock_id:uuid}", MANAGE)
def show_clock(clock_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One clock, and what happened at its organization."""
    require_sandbox(page_request.request)
    return _clock(page_request, clock_id)


@form_post("/test-clocks/{clock_id:uuid}/advance", MANAGE)
def advance(clock_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Move it. Pressed twice, it is moved once: the button says where to."""
    require_sandbox(page_request.request)
    day = form.text("day", most=40)
    try:
        to = _instant(form.text("to", most=60), day, page_request.time_zone)
        page_request.transact(lambda uow: advance_test_clock(uow, clock_id, to).id)
    except (Forbidden, NotFound):
        raise
    except DomainError as refused:
        return _clock(page_request, clock_id, day=day, refused=refused)
    return page_request.redirect(addresses.clocks.one(clock_id))


@form_post("/test-clocks/{clock_id:uuid}/keys", MANAGE)
def another_key(clock_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Another key in place of the one that was lost, shown once."""
    del form
    require_sandbox(page_request.request)
    made = page_request.transact(lambda uow: replace_key(uow, clock_id))
    return _clock(page_request, clock_id, secret=made.key)


@form_post("/test-clocks/{clock_id:uuid}/removal", MANAGE)
def remove(clock_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Delete it, and end what its organization has."""
    del form
    require_sandbox(page_request.request)
    page_request.transact(lambda uow: delete_test_clock(uow, clock_id))
    return page_request.redirect(addresses.clocks.TEST_CLOCKS, notice="test_clock_removed")


def _clocks(page_request: PageRequest) -> ClocksView:
    with page_request.work() as uow:
        found = list_test_clocks(uow, cursor=page_request.query("cursor", most=200) or None)
    more = addresses.next_page(addresses.clocks.TEST_CLOCKS, found.next_cursor)
    return ClocksView(tuple(found.items), str(uuid7()), next_address=more)


def _clock(
    page_request: PageRequest,
    clock_id: UUID,
    *,
    secret: str = "",
    day: str = "",
    refused: DomainError | None = None,
) -> Answer:
    with page_request.work() as uow:
        one = get_test_clock(uow, clock_id)
        due_at = next_due_at(uow, one)
        found = list_happenings(uow, clock_id, cursor=page_request.query("cursor", most=200) or None)
    known = event_types()
    happened = tuple(
        HappeningItem(
            page_request.pick(known[each.type].zh, known[each.type].en) if each.type in known else each.type,
            each.type,
            each.at,
        )
        for each in found.items
    )
    view = ClockView(
        one,
        _steps(one, due_at, page_request.time_zone),
        happened,
        due_at,
        secret,
        day,
        next_address=addresses.next_page(addresses.clocks.one(clock_id), found.next_cursor),
    )
    if refused is not None:
        said = failure(page_request, refused)
        wrong: dict[str, Any] = (
            {"error_field": "day", "field_error": said} if day and isinstance(refused, Invalid) else {"error": said}
        )
        view = replace(view, **wrong)
    moves = one.state in ("advancing", "deleting") and not secret
    return page_request.render(view, status=refused.status if refused else 200, refresh_s=REFRESH_S if moves else 0)


def _steps(one: TestClockView, due_at: datetime | None, time_zone: str) -> tuple[ClockStep, ...]:
    if one.state != "ready":
        return ()
    steps = [
        ClockStep("day", one.present_at + timedelta(days=1)),
        ClockStep("month", add_months(one.present_at, 1, time_zone=time_zone)),
        ClockStep("year", add_months(one.present_at, 12, time_zone=time_zone)),
    ]
    return (ClockStep("due", due_at), *steps) if due_at is not None else tuple(steps)


def _instant(to: str, day: str, time_zone: str) -> datetime:
    """Where a button says, or the begin of a day that was typed. Raises Invalid(`test_clock_day_invalid`)."""
    try:
        if to:
            found = datetime.fromisoformat(to)
            if found.tzinfo is not None:
                return found
        return datetime.combine(date.fromisoformat(day), time(), ZoneInfo(time_zone))
    except (ValueError, OverflowError) as error:
        raise Invalid("test_clock_day_invalid", field="day") from error


def _id_of(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None


routes = [show_clocks, make, show_clock, advance, another_key, remove]
