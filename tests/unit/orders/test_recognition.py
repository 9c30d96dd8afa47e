"""Revenue by day: exact parts, at most one minor unit apart, that add up to the whole however the days are grouped."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import allocate
from orders.deferred_revenue.recognition import recognised_in, recognised_minor

AMOUNTS, DAYS = st.integers(0, 10**12), st.integers(1, 1_200)


@given(AMOUNTS, DAYS)
def test_days_add_up_and_differ_by_at_most_one(amount: int, days: int) -> None:
    parts = [recognised_minor(amount, days, day + 1) - recognised_minor(amount, days, day) for day in range(days)]
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)
    assert parts == allocate(amount, [1] * days)


@given(AMOUNTS, DAYS, st.integers(-500, 2_000), st.integers(0, 2_000))
def test_what_is_earned_never_falls_and_stays_within_the_amount(amount: int, days: int, day: int, more: int) -> None:
    assert 0 <= recognised_minor(amount, days, day) <= recognised_minor(amount, days, day + more) <= amount
    assert (recognised_minor(amount, days, 0), recognised_minor(amount, days, days)) == (0, amount)


@given(AMOUNTS, st.dates(date(2000, 1, 1), date(2100, 1, 1)), DAYS, st.lists(st.integers(1, 90), max_size=8))
def test_months_of_any_lengths_add_up(amount: int, starts_on: date, days: int, lengths: list[int]) -> None:
    ends_on = starts_on + timedelta(days=days)
    cuts = [starts_on - timedelta(days=3)]
    for length in lengths:
        cuts.append(cuts[-1] + timedelta(days=length))
    cuts.append(max(cuts[-1], ends_on) + timedelta(days=1))
    pieces = [recognised_in(amount, starts_on, ends_on, since, until) for since, until in pairwise(cuts)]
    assert sum(pieces) == amount


def test_a_year_of_which_a_cent_is_left() -> None:
    year = date(2026, 1, 1), date(2027, 1, 1)
    months = [date(2026, month, 1) for month in range(1, 13)] + [date(2027, 1, 1)]
    pieces = [recognised_in(36_501, *year, since, until) for since, until in pairwise(months)]
    assert (pieces[0], pieces[1], sum(pieces)) == (3_101, 2_800, 36_501)


@pytest.mark.parametrize(("amount", "days"), [(-1, 5), (5, 0)])
def test_what_cannot_be_recognised_is_refused(amount: int, days: int) -> None:
    with pytest.raises(ValueError, match="recognised"):
        recognised_minor(amount, days, 1)
