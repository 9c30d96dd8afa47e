"""When failed deliveries keep a listing from new buyers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fulfillment.reliability.failing import ENOUGH, IN_ROW, find_failing
from marketplace.catalog.show_reliability import Reliability

OUTCOMES = st.lists(st.booleans(), max_size=40)


@given(OUTCOMES)
def test_what_is_paused_failed_in_a_row_or_in_most_cases(outcomes: list[bool]) -> None:
    found = find_failing(outcomes)
    in_row = outcomes[:IN_ROW] == [False] * IN_ROW
    mostly = len(outcomes) >= ENOUGH and outcomes.count(False) > outcomes.count(True)
    assert (found is not None) == (in_row or mostly)
    if found is not None:
        assert found.rule == ("in_row" if in_row else "share")
        assert outcomes[: found.counted].count(False) == found.failed


@given(OUTCOMES)
def test_one_more_success_never_pauses(outcomes: list[bool]) -> None:
    if find_failing(outcomes) is None and len(outcomes) != ENOUGH - 1:
        assert find_failing([True, *outcomes]) is None


@given(st.lists(st.just(value=False), min_size=IN_ROW, max_size=20))
def test_whatever_always_fails_is_paused(outcomes: list[bool]) -> None:
    assert find_failing(outcomes) is not None
    assert find_failing(outcomes[: IN_ROW - 1]) is None


@given(st.integers(1, 10**9), st.data())
def test_a_share_is_all_only_where_all_succeeded(counted: int, data: st.DataObject) -> None:
    succeeded = data.draw(st.integers(0, counted))
    share = Reliability(counted, succeeded, None, None).success_ppm
    assert 0 <= share <= 1_000_000
    assert (share == 1_000_000) == (succeeded == counted)
