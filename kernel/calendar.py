"""Calendar arithmetic in a time zone: months that end where people expect them to."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def add_months(start: datetime, months: int, *, time_zone: str, anchor_day: int | None = None) -> datetime:
    """The instant `months` later at the same local time of day, on `anchor_day` or the month's last day when it is shorter.

    The anchor is kept apart from the date: 31 January → 28 February → 31 March. `start` is aware; the result is UTC.
    """
    zone = ZoneInfo(time_zone)
    local = start.astimezone(zone)
    index = local.year * 12 + local.month - 1 + months
    year, month = divmod(index, 12)
    day = min(anchor_day or local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)
