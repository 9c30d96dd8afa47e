"""Hours in which a seller's people answer, and how much of a time lies inside them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAYS_AHEAD: Final = 400
"""How far the next opening is looked for: beyond every day off that can be named."""
MINUTES_OF_DAY: Final = 1440


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """On these weekdays (Monday is 1, one at least), between two minutes of the day in a time zone, but not on days off."""

    weekdays: Collection[int]
    from_minute: int
    to_minute: int
    time_zone: str
    days_off: Collection[date] = ()


USUAL_DAYS: Final = (1, 2, 3, 4, 5)
USUAL_FROM: Final = 9 * 60
USUAL_TO: Final = 18 * 60
"""Of a seller that has not said its own."""


def is_open(hours: ServiceHours, at: datetime) -> bool:
    """Whether somebody answers at this instant. The closing minute is outside."""
    return any(begins <= at < ends for begins, ends in _spans(hours, at, days=1))


def closed_since(hours: ServiceHours, at: datetime) -> datetime | None:
    """When the hours ended last before a closed instant; None while they are open, or where they never were open."""
    if is_open(hours, at):
        return None
    zone = ZoneInfo(hours.time_zone)
    day = at.astimezone(zone).date()
    for back in range(DAYS_AHEAD):
        span = _span(hours, day - timedelta(days=back), zone)
        if span is not None and span[1] <= at:
            return span[1]
    return None


def next_opening(hours: ServiceHours, at: datetime) -> datetime | None:
    """When somebody answers again; the instant itself while they are open. None where no day ahead has hours."""
    for begins, ends in _spans(hours, at, days=DAYS_AHEAD):
        if ends > at:
            return max(begins, at)
    return None


def after_service_time(hours: ServiceHours, start: datetime, length: timedelta) -> datetime:
    """The instant by which so much time inside the hours has gone by since `start`.

    Where no day ahead has hours the time counts as it is: a promise needs an end.
    """
    left = length
    for begins, ends in _spans(hours, start, days=DAYS_AHEAD):
        since = max(begins, start)
        if ends <= since:
            continue
        if left <= ends - since:
            return since + left
        left -= ends - since
    return start + length


def service_time(hours: ServiceHours, start: datetime, end: datetime) -> timedelta:
    """How much of the time from `start` to `end` lies inside the hours; nothing when it runs backwards."""
    found = timedelta(0)
    for begins, ends in _spans(hours, start, days=max(0, (end - start).days) + 2):
        inside = min(ends, end) - max(begins, start)
        found += max(inside, timedelta(0))
    return found


def _spans(hours: ServiceHours, since: datetime, *, days: int) -> Iterator[tuple[datetime, datetime]]:
    """Each day's hours from the day before `since` on: an hour of the night may belong to either."""
    zone = ZoneInfo(hours.time_zone)
    first = since.astimezone(zone).date() - timedelta(days=1)
    for ahead in range(days + 2):
        span = _span(hours, first + timedelta(days=ahead), zone)
        if span is not None:
            yield span


def _span(hours: ServiceHours, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """A day's hours as instants. Where the clocks are moved in them the day is shorter or longer, as it is for its people."""
    if day.isoweekday() not in hours.weekdays or day in hours.days_off:
        return None
    begins, ends = _instant(day, hours.from_minute, zone), _instant(day, hours.to_minute, zone)
    return (begins, ends) if begins < ends else None


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    local = datetime.combine(
        day + timedelta(days=minute // MINUTES_OF_DAY), time(minute % MINUTES_OF_DAY // 60, minute % 60)
    )
    return local.replace(tzinfo=zone).astimezone(UTC)
