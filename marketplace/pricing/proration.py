"""Parts of a term: what is left of it, what a change in its midst costs. Exact fractions of seconds, rounded once.

Two rules are known. `term`: the part of the term's own seconds. `year_365`: a day costs twelve monthly prices over 365, as
DingTalk's marketplace states its upgrade difference (docs of 应用市场, 升级差价).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kernel.money import half_up

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def remaining(amount_minor: int, starts_at: datetime, ends_at: datetime, at: datetime) -> int:
    """Of a term's amount what falls to the time from `at` on: all before its start, nothing after its end.

    Raises:
        ValueError: the term ends before it starts.
    """
    whole = ends_at - starts_at
    if whole <= timedelta(0):
        msg = "a term ends after it has started"
        raise ValueError(msg)
    left = min(max(ends_at - at, timedelta(0)), whole)
    return half_up(amount_minor * (left // _MICROSECOND), whole // _MICROSECOND)


def between(amount_minor: int, starts_at: datetime, ends_at: datetime, since: datetime, until: datetime) -> int:
    """What falls to a part of the term. Parts that follow each other add up to the whole, to the minor unit."""
    return remaining(amount_minor, starts_at, ends_at, since) - remaining(amount_minor, starts_at, ends_at, until)


def difference(before_minor: int, after_minor: int, starts_at: datetime, ends_at: datetime, at: datetime) -> int:
    """What changing a term's price at `at` costs until its end; negative where it becomes cheaper."""
    return remaining(after_minor - before_minor, starts_at, ends_at, at)


def difference_by_year(before_month_minor: int, after_month_minor: int, left: timedelta) -> int:
    """The same by the year of 365 days: (after - before) a month x 12 over 365 for each day that is left."""
    year_us = 365 * (_DAY // _MICROSECOND)
    return half_up((after_month_minor - before_month_minor) * 12 * (left // _MICROSECOND), year_us)
