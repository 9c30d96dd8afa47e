"""What of a video counts as watched: spans that were played, within the time that has gone by."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from marketplace.training.spans import COMPLETE_PERCENT, add, is_complete, length, merge

DURATION = 600
SPANS = st.lists(st.tuples(st.integers(-50, 700), st.integers(-50, 700)), max_size=12)
BUDGET = st.integers(-10, 900)


def played(spans: list[tuple[int, int]]) -> set[int]:
    """The milliseconds themselves: what the calculation has to agree with."""
    return {at for start, end in spans for at in range(max(0, start), min(end, DURATION))}


@given(SPANS)
def test_merged_spans_are_the_same_milliseconds_in_order_and_apart(spans: list[tuple[int, int]]) -> None:
    merged = merge(spans, DURATION)
    assert played(list(merged)) == played(spans)
    assert length(merged) == len(played(spans))
    assert all(one[1] < other[0] for one, other in itertools.pairwise(merged))
    assert merge(merged, DURATION) == merged


@given(SPANS, SPANS, BUDGET)
def test_no_more_is_new_than_time_allows_and_nothing_is_lost(
    known: list[tuple[int, int]], spans: list[tuple[int, int]], most: int
) -> None:
    before, after = merge(known, DURATION), add(merge(known, DURATION), spans, DURATION, most)
    new = played(list(after)) - played(list(before))
    assert played(list(before)) <= played(list(after)) <= played(known) | played(spans)
    assert len(new) == min(max(0, most), len(played(spans) - played(known)))


@given(SPANS, SPANS)
def test_the_order_and_number_of_reports_makes_no_difference(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    first = add(add((), one, DURATION, DURATION), other, DURATION, DURATION)
    again = add(add(add((), other, DURATION, DURATION), one, DURATION, DURATION), other, DURATION, DURATION)
    assert first == again


def test_seeking_to_the_end_completes_nothing() -> None:
    assert not is_complete(length(add((), [(590, 600)], DURATION, DURATION)), DURATION)
    assert not is_complete(569, DURATION)
    assert is_complete(570, DURATION)
    assert not is_complete(0, 0)
    assert COMPLETE_PERCENT == 95
