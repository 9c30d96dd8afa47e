"""The feed's order: what moves a video and how far, and that nobody is starved by what others do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import uuid7
from marketplace.discovery.ranking import (
    CROWDING_MOST_H,
    FITS_H,
    FOLLOWED_H,
    NEWCOMER_H,
    NEWCOMER_VIDEOS,
    OUTCOME_MOST_H,
    Taste,
    crowding_hours,
    explain,
    newcomer_hours,
    outcome_hours,
)

counts = st.integers(0, 10**6)
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@given(counts, counts)
def test_what_was_kept_speaks_for_a_video_and_what_was_lost_against_it(kept: int, lost: int) -> None:
    hours = outcome_hours(kept, lost)
    assert 0 <= hours <= OUTCOME_MOST_H
    assert outcome_hours(kept + 1, lost) >= hours
    assert outcome_hours(kept, lost + 1) <= hours


def test_it_takes_orders_to_be_moved_and_not_many() -> None:
    assert [outcome_hours(kept, 0) for kept in (0, 1, 8, 100, 10**6)] == [0, 8, 36, 66, 71]
    assert outcome_hours(8, 8) == 18


@given(
    st.lists(st.tuples(st.integers(0, 24 * 365), counts, counts, st.integers(0, 50), st.integers(0, 50)), max_size=30),
    st.integers(0, NEWCOMER_VIDEOS - 1),
)
def test_a_newcomer_stands_before_everything_that_was_published_before_it(
    others: list[tuple[int, int, int, int, int]], published_before: int
) -> None:
    """Whatever others delivered, and however much they publish; nothing of what a single viewer follows is meant here."""
    mine = NOW + timedelta(hours=newcomer_hours(published_before))
    for age_h, kept, lost, before, lately in others:
        # Whoever has orders behind them and is a newcomer as well is moved by both: that is no starving of this one.
        if newcomer_hours(before):
            continue
        moved = outcome_hours(kept, lost) - crowding_hours(lately)
        assert NOW - timedelta(hours=age_h) + timedelta(hours=moved) <= mine


@given(counts, counts, st.integers(0, 10**4), st.integers(0, 10**4), st.sampled_from(("", "follows", "fits", "both")))
def test_no_video_is_moved_beyond_the_bounds_and_each_hour_has_its_reason(
    kept: int, lost: int, before: int, lately: int, taste_is: str
) -> None:
    channel = uuid7()
    taste = Taste(
        frozenset({channel} if taste_is in ("follows", "both") else ()),
        frozenset({"hr"} if taste_is in ("fits", "both") else ()),
    )
    hours = {
        "outcome_h": outcome_hours(kept, lost),
        "newcomer_h": newcomer_hours(before),
        "crowding_h": crowding_hours(lately),
    }
    why = explain(taste, channel, "hr", **hours)
    total = hours["outcome_h"] + hours["newcomer_h"] - hours["crowding_h"] + taste.hours(channel, "hr")
    assert sum(one.hours for one in why) == total
    assert -CROWDING_MOST_H <= total <= OUTCOME_MOST_H + NEWCOMER_H + FOLLOWED_H
    assert why[-1].reason == "fresh"
    assert [abs(one.hours) for one in why] == sorted((abs(one.hours) for one in why), reverse=True)


def test_what_one_follows_counts_more_than_what_fits_and_not_twice() -> None:
    channel = uuid7()
    assert Taste(frozenset({channel}), frozenset({"hr"})).hours(channel, "hr") == FOLLOWED_H
    assert Taste(interests=frozenset({"hr"})).hours(channel, "hr") == FITS_H
    assert Taste(interests=frozenset({"hr"})).hours(channel, None) == 0
    assert Taste().is_neutral()
