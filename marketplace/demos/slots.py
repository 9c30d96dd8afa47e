"""The times at which a seller shows its products. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NOTICE = timedelta(hours=2)
AHEAD_DAYS = 14
"""Where a seller has not said otherwise."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When demos are given: on these weekdays (Monday is 1), between two minutes of the day in a time zone, each so long.

    But not on days off; and at single times, each a date and a minute of it. `notice`: between booking and beginning at least.
    """

    weekdays: Collection[int]
    from_minute: int
    to_minute: int
    length_minutes: int
    time_zone: str
    notice: timedelta = NOTICE
    ahead_days: int = AHEAD_DAYS
    days_off: Collection[date] = ()
    singles: Collection[tuple[date, int]] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be booked."""

    starts_at: datetime
    ends_at: datetime


def slots_of(hours: Hours, now: datetime, taken: Collection[Slot] = ()) -> Iterator[Slot]:
    """The times of the days ahead, in order, that begin after the notice and overlap none that is taken.

    A single time may overlap the weekly ones: whoever books one of them first has it alone.
    An hour that the clocks leave out has none, nor has what a weekly time that began before it runs into; of an hour that they
    show twice the first is meant.
    """
    zone = ZoneInfo(hours.time_zone)
    today = now.astimezone(zone).date()
    length = timedelta(minutes=hours.length_minutes)
    weekly_until = now
    for day in (today + timedelta(days=n) for n in range(hours.ahead_days + 1)):
        for minute in _minutes_of(hours, day):
            local = datetime.combine(day, time(minute // 60, minute % 60), zone)
            starts_at = local.astimezone(UTC)
            if starts_at.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                continue
            slot = Slot(starts_at, starts_at + length)
            if (day, minute) not in hours.singles:
                if starts_at < weekly_until:
                    continue
                weekly_until = slot.ends_at
            if starts_at >= now + hours.notice and not any(_overlap(slot, one) for one in taken):
                yield slot


def _minutes_of(hours: Hours, day: date) -> list[int]:
    found = {minute for on, minute in hours.singles if on == day}
    if day.isoweekday() in hours.weekdays and day not in hours.days_off:
        found |= set(range(hours.from_minute, hours.to_minute - hours.length_minutes + 1, hours.length_minutes))
    return sorted(found)


def _overlap(one: Slot, other: Slot) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at
