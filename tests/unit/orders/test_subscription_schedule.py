"""The calendar of subscriptions: ten years of terms and steps in twelve time zones, none missed and none twice."""

from __future__ import annotations

import calendar
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from kernel.calendar import add_months
from orders.subscriptions.schedule import (
    CONVERTS_BEFORE,
    RENEWS_BEFORE,
    RETRY_DAYS,
    SUSPENDED_AFTER,
    TERMINATED_AFTER,
    next_step_at,
    steps_of,
    steps_past_due,
)

ZONES = (
    "Asia/Shanghai", "Asia/Tokyo", "Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin", "Europe/London", "America/New_York",
    "America/Los_Angeles", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Apia",
)  # fmt: skip
YEARS = 10


def starts() -> list[tuple[datetime, str, int]]:
    """A thousand first days: any, and those on which months and clocks are odd."""
    drawn = random.Random(7)
    odd = [(2027, 1, 31, 0), (2028, 2, 29, 0), (2027, 3, 28, 150), (2027, 11, 7, 90)]
    found = []
    for number in range(1_000):
        zone = ZONES[number % len(ZONES)]
        year, month, day, minute = (
            odd[number % 40] if number % 40 < len(odd) else (2027, 1, 1, drawn.randrange(525_600))
        )
        start = datetime(year, month, day, tzinfo=ZoneInfo(zone)) + timedelta(minutes=minute)
        found.append((start.astimezone(UTC), zone, drawn.choice((1, 3, 12, 24))))
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_of_terms(zone: str) -> None:
    """Each term begins where the last one ended, on the day that it was begun on, or on the last of a shorter month."""
    for start, of_zone, months in starts():
        if of_zone != zone:
            continue
        anchor = start.astimezone(ZoneInfo(zone)).day
        ends, at = [start], start
        while len(ends) <= YEARS * 12 // months:
            at = add_months(at, months, time_zone=zone, anchor_day=anchor)
            ends.append(at)
        for number, (before, after) in enumerate(pairwise(ends), 1):
            assert before < after
            local, first = after.astimezone(ZoneInfo(zone)), start.astimezone(ZoneInfo(zone))
            assert (local.year - first.year) * 12 + local.month - first.month == number * months
            assert local.day == min(anchor, calendar.monthrange(local.year, local.month)[1])
            _holds_for_steps(before, after, months)


def _holds_for_steps(start: datetime, end: datetime, months: int) -> None:
    steps = list(steps_of(end, months, auto_renew=True))
    assert [step.at for step in steps] == sorted({step.at for step in steps})
    assert start < steps[0].at
    assert (steps[-1].at, steps[-1].kind) == (end - RENEWS_BEFORE, "renew")
    assert [step.kind for step in steps_of(end, months, auto_renew=False)] == ["notice"] * (len(steps) - 1)
    seen, at = [], next_step_at(end, months, auto_renew=True, after=start)
    while at is not None:
        seen.append(at)
        at = next_step_at(end, months, auto_renew=True, after=at)
    assert seen == [step.at for step in steps]


@pytest.mark.parametrize(("months", "days"), [(1, [7]), (3, [30, 7]), (12, [60, 30, 7]), (24, [90, 60, 30, 7])])
def test_notices_come_as_the_term_allows(months: int, days: list[int]) -> None:
    end = datetime(2030, 6, 30, tzinfo=UTC)
    assert [step.days for step in steps_of(end, months, auto_renew=False)] == days


@pytest.mark.parametrize("lead", range(31))
@pytest.mark.parametrize("months", [1, 3, 12, 24])
def test_a_renewal_that_is_charged_early_is_told_and_asked_again_so_much_earlier(months: int, lead: int) -> None:
    """Never before the term has begun, as early as a plan of that term may be charged; and always the notice first."""
    start = datetime(2030, 1, 31, tzinfo=UTC)
    end, lead = add_months(start, months, time_zone="UTC"), min(lead, 15 * months)
    steps = list(steps_of(end, months, auto_renew=True, lead_days=lead))
    assert [step.at for step in steps] == sorted({step.at for step in steps})
    assert start < steps[0].at
    (renew,) = (step for step in steps if step.kind == "renew")
    assert end - renew.at == timedelta(days=max(1, lead))
    usual = list(steps_of(end, months, auto_renew=True))
    noticed = [step for step in steps if step.kind == "notice"]
    assert [renew.at - step.at for step in noticed] == [usual[-1].at - step.at for step in usual[:-1]]
    assert [step.days for step in noticed] == [(end - step.at).days for step in noticed]
    again = [step for step in steps if step.kind == "retry"]
    assert all(renew.at < step.at < end and step.at - renew.at == timedelta(days=step.days) for step in again)
    assert bool(again) == (lead > 1)
    assert steps_of_end(end, months, lead) == [step.days for step in noticed]


def steps_of_end(end: datetime, months: int, lead: int) -> list[int]:
    """What is told of one that is not renewed is told as early."""
    return [step.days for step in steps_of(end, months, auto_renew=False, lead_days=lead)]


def test_dunning_is_in_order() -> None:
    end = datetime(2030, 6, 30, tzinfo=UTC)
    steps = list(steps_past_due(end))
    assert [step.days for step in steps if step.kind == "retry"] == list(RETRY_DAYS) == [1, 3, 7, 14]
    assert [(step.kind, step.at - end) for step in steps[-2:]] == [
        ("suspend", SUSPENDED_AFTER),
        ("terminate", TERMINATED_AFTER),
    ]
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert (timedelta(days=14), timedelta(days=44)) == (SUSPENDED_AFTER, TERMINATED_AFTER)


@pytest.mark.parametrize(
    ("days", "before"), [(1, []), (2, [1]), (5, [1]), (6, [3, 1]), (13, [3, 1]), (14, [7, 3, 1]), (180, [7, 3, 1])]
)
def test_a_trial_is_told_of_its_end_when_half_of_it_is_over_at_the_earliest(days: int, before: list[int]) -> None:
    ends_at = datetime(2027, 3, 28, tzinfo=UTC)
    *noticed, last = steps_of(ends_at, 12, auto_renew=True, trial_days=days)
    assert [step.days for step in noticed] == before
    assert (last.kind, ends_at - last.at) == ("renew", CONVERTS_BEFORE)
    assert [step.days for step in steps_of(ends_at, 12, auto_renew=False, trial_days=days)] == before
