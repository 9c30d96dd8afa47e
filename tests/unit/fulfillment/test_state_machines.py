"""The transition tables: what may follow what, and what is final."""

from __future__ import annotations

from datetime import timedelta

from fulfillment.entitlements.models import ENTITLEMENT
from fulfillment.runs.call_seller import BACKOFF_LONGEST, pause_after
from fulfillment.runs.models import LIVE, RUN, STATES


def test_every_state_of_the_table_is_one_of_the_column() -> None:
    assert set(RUN.states) == set(STATES)
    assert set(ENTITLEMENT.states) == {"pending", "active", "suspended", "ended"}


def test_a_success_is_final_and_so_is_the_end() -> None:
    assert [state for state in STATES if RUN.is_final(state)] == ["succeeded"]
    assert [state for state in ENTITLEMENT.states if ENTITLEMENT.is_final(state)] == ["ended"]


def test_whatever_is_under_way_can_succeed_fail_and_run_out_of_time() -> None:
    for state in LIVE:
        assert all(RUN.allows(state, target) for target in ("succeeded", "failed", "dead"))


def test_given_up_comes_back_only_through_the_queue() -> None:
    for state in ("failed", "dead"):
        assert RUN.edges[state] == frozenset({"queued"})


def test_pauses_double_from_two_seconds_to_ten_minutes() -> None:
    ceilings = [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    for tries, ceiling in enumerate(ceilings, start=1):
        for _ in range(50):
            assert timedelta(seconds=ceiling) / 2 <= pause_after(tries) <= timedelta(seconds=ceiling)
    assert pause_after(10**6) <= BACKOFF_LONGEST
