"""Hours of service: what lies inside them, and when a time counted in them is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from marketplace.service_windows.hours import (
    ServiceHours,
    after_service_time,
    closed_since,
    is_open,
    next_opening,
    service_time,
)

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
INSTANTS = st.datetimes(
    datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2027-12-31"), timezones=st.just(UTC)
)
LENGTHS = st.timedeltas(timedelta(0), timedelta(hours=8))
DAYS = st.sets(st.integers(1, 7), min_size=1)
OFF = st.sets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=20)
OFFICE = ServiceHours((1, 2, 3, 4, 5), 9 * 60, 18 * 60, "Asia/Shanghai", frozenset({date(2026, 11, 25)}))


@st.composite
def hours(draw: st.DrawFn) -> ServiceHours:
    begins = draw(st.integers(0, 1410))
    ends = draw(st.integers(begins + 30, 1440))
    return ServiceHours(draw(DAYS), begins, ends, draw(st.sampled_from(ZONES)), frozenset(draw(OFF)))


def local(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_a_working_week() -> None:
    friday = local("2026-11-20T17:00")
    assert is_open(OFFICE, friday)
    assert not is_open(OFFICE, local("2026-11-20T18:00"))
    assert closed_since(OFFICE, local("2026-11-22T12:00")) == local("2026-11-20T18:00")
    assert next_opening(OFFICE, local("2026-11-22T12:00")) == local("2026-11-23T09:00")
    # An hour on Friday, three on Monday.
    assert after_service_time(OFFICE, friday, timedelta(hours=4)) == local("2026-11-23T12:00")
    # The 25th is off.
    assert after_service_time(OFFICE, local("2026-11-24T17:30"), timedelta(hours=1)) == local("2026-11-26T09:30")
    assert service_time(OFFICE, friday, local("2026-11-24T10:00")) == timedelta(hours=1 + 9 + 1)


def test_hours_in_which_the_clocks_are_moved() -> None:
    """In Berlin the night of 29 March 2026 has no hour from two to three, that of 25 October has it twice."""
    nights = ServiceHours((7,), 60, 4 * 60, "Europe/Berlin")
    assert service_time(nights, local("2026-03-28T12:00"), local("2026-03-30T12:00")) == timedelta(hours=2)
    assert service_time(nights, local("2026-10-24T12:00"), local("2026-10-26T12:00")) == timedelta(hours=4)


def test_where_every_day_ahead_is_off_time_counts_as_it_is() -> None:
    start = local("2026-11-20T17:00")
    never = ServiceHours((1,), 0, 1440, "UTC", frozenset(date(2026, 11, 1) + timedelta(days=n) for n in range(500)))
    assert next_opening(never, start) is None
    assert after_service_time(never, start, timedelta(hours=4)) == start + timedelta(hours=4)


@given(hours(), INSTANTS, LENGTHS)
def test_a_time_that_is_over_is_the_time_that_went_by(
    given_hours: ServiceHours, start: datetime, length: timedelta
) -> None:
    due = after_service_time(given_hours, start, length)
    assert due >= start
    assert service_time(given_hours, start, due) == length
    # Not later than needed: just before it some of it was left.
    if length:
        assert service_time(given_hours, start, due - timedelta(microseconds=1)) < length


@given(hours(), INSTANTS, LENGTHS, LENGTHS)
def test_times_add_up(given_hours: ServiceHours, start: datetime, one: timedelta, other: timedelta) -> None:
    middle = after_service_time(given_hours, start, one)
    assert after_service_time(given_hours, middle, other) == after_service_time(given_hours, start, one + other)
    assert service_time(given_hours, start, middle + other) == service_time(given_hours, start, middle) + service_time(
        given_hours, middle, middle + other
    )


@given(hours(), INSTANTS)
def test_open_and_closed_exclude_each_other(given_hours: ServiceHours, at: datetime) -> None:
    since, opening = closed_since(given_hours, at), next_opening(given_hours, at)
    if is_open(given_hours, at):
        assert (since, opening) == (None, at)
    else:
        assert opening is not None
        assert opening > at
        assert is_open(given_hours, opening)
        assert service_time(given_hours, at, opening) == timedelta(0)
        assert since is None or (since <= at and is_open(given_hours, since - timedelta(microseconds=1)))


@given(hours(), INSTANTS)
def test_nothing_counts_backwards(given_hours: ServiceHours, at: datetime) -> None:
    assert service_time(given_hours, at, at - timedelta(days=3)) == timedelta(0)
