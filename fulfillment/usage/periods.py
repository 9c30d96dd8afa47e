"""Into which period an instant of usage falls. Pure; periods follow each other from the moment the entitlement began."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kernel.calendar import add_months

CLOSES_AFTER = timedelta(hours=24)
"""How long after its end a period still takes what comes late."""


def period_at(began_at: datetime, months: int, time_zone: str, at: datetime) -> tuple[datetime, datetime]:
    """Start and end (exclusive) of the period of `months` that holds `at`, which is not before `began_at`.

    Each starts on the anchor's day of the month, or on the month's last where it is shorter, in the buyer's own time.
    """
    zone = ZoneInfo(time_zone)
    first, then = began_at.astimezone(zone), at.astimezone(zone)
    number = ((then.year - first.year) * 12 + then.month - first.month) // months
    starts_at = add_months(began_at, number * months, time_zone=time_zone)
    if starts_at > at:
        number -= 1
        starts_at = add_months(began_at, number * months, time_zone=time_zone)
    return starts_at, add_months(began_at, (number + 1) * months, time_zone=time_zone)
