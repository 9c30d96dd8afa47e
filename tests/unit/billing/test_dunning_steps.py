"""When a buyer is told of what it owes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.on_account.queries import AGES, owed_age
from billing.on_account.steps import STEPS, due_step, first_step_at, next_step_at, step_at

DUE = datetime(2026, 3, 1, tzinfo=UTC)


@given(term_days=st.integers(1, 120), looks=st.lists(st.integers(0, 4_000), max_size=40))
def test_each_step_is_taken_once_in_order_and_never_before_its_day(term_days: int, looks: list[int]) -> None:
    bought_at = DUE - timedelta(days=term_days)
    wanted: datetime | None = first_step_at(DUE, bought_at)
    taken: list[int] = []
    for now in sorted(bought_at + timedelta(hours=hours) for hours in looks):
        if wanted is None or wanted > now:
            continue
        days = due_step(DUE, now)
        assert days is not None
        assert step_at(DUE, days) <= now
        taken.append(days)
        wanted = next_step_at(DUE, days)
        assert wanted is None or wanted > now
    assert taken == sorted(set(taken))
    assert set(taken) <= set(STEPS)
    assert term_days >= 3 or -3 not in taken


@given(days=st.integers(0, 1_000))
def test_an_age_is_named_by_its_days(days: int) -> None:
    limits = {"current": (0, 0), "to_30": (1, 30), "to_60": (31, 60), "to_90": (61, 90), "over_90": (91, 10**6)}
    least, most = limits[owed_age(days)]
    assert least <= days <= most
    assert set(limits) == set(AGES)
