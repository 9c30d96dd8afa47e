"""So many requests in a window, by one process and by several."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.rate_limit import PORTIONS, RESTS_S, Quota, RateLimiter


class Shared:
    """Counts in a dictionary, for limiters that stand for several processes."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.asked = 0
        self.is_down = False

    def add(self, key: str, count: int, lasts_s: int) -> int:
        """As Valkey would."""
        assert lasts_s > 0
        self.asked += 1
        if self.is_down:
            raise OSError("down")
        self.counts[key] += count
        return self.counts[key]


class Clock:
    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


def passed(limiter: RateLimiter, quota: Quota, requests: int, caller: str = "x") -> int:
    return sum(not limiter.take(quota, caller).is_over for _ in range(requests))


@given(st.integers(1, 500), st.integers(1, 1_500))
def test_one_process_lets_exactly_the_quota_pass(limit: int, requests: int) -> None:
    quota, limiter = Quota("q", limit), RateLimiter(Shared(), now=Clock())
    assert passed(limiter, quota, requests) == min(limit, requests)


@given(st.integers(1, 400), st.lists(st.integers(0, 3), max_size=800))
def test_several_let_hardly_more_pass_and_hardly_less(limit: int, asked: list[int]) -> None:
    quota, shared, now = Quota("q", limit), Shared(), Clock()
    processes = [RateLimiter(shared, now=now) for _ in range(4)]
    let_pass = sum(not processes[which].take(quota, "x").is_over for which in asked)
    portion = max(1, limit // PORTIONS)
    assert let_pass <= limit + 4 * portion
    assert let_pass >= min(len(asked), limit - 4 * portion)


def test_most_requests_ask_nobody_else() -> None:
    quota, shared = Quota("q", 6_000), Shared()
    limiter = RateLimiter(shared, now=Clock())
    assert passed(limiter, quota, 300) == 300
    assert shared.asked == 0
    assert passed(limiter, quota, 7_000) == 5_700
    assert shared.asked <= PORTIONS + 1


def test_a_new_window_begins_anew_and_each_caller_has_their_own() -> None:
    now = Clock()
    quota, limiter = Quota("q", 10, window_s=60), RateLimiter(Shared(), now=now)
    assert passed(limiter, quota, 20) == 10
    over = limiter.take(quota, "x")
    assert (over.is_over, over.remaining) == (True, 0)
    assert passed(limiter, quota, 20, "y") == 10
    now.s += over.reset_s
    assert passed(limiter, quota, 20) == 10


def test_without_the_shared_count_each_process_counts_for_itself_and_tries_again_later() -> None:
    shared, monotonic = Shared(), Clock()
    shared.is_down = True
    quota, limiter = Quota("q", 100), RateLimiter(shared, now=Clock(), monotonic=monotonic)
    assert passed(limiter, quota, 200) == 100
    assert shared.asked == 1
    monotonic.s += RESTS_S
    shared.is_down = False
    assert passed(limiter, quota, 200, "y") == 100
    assert shared.asked > 1


@pytest.mark.parametrize("known", [True, False])
def test_a_good_credential_stays_known_over_windows(*, known: bool) -> None:
    now = Clock()
    quota, limiter = Quota("q", 10), RateLimiter(now=now)
    if known:
        limiter.recognise(quota, "x")
    now.s += 120
    assert limiter.is_known(quota, "x") is known


class SlowShared(Shared):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.answers = threading.Event(), threading.Event()

    def add(self, key: str, count: int, lasts_s: int) -> int:
        self.reached.set()
        assert self.answers.wait(30)
        return super().add(key, count, lasts_s)


def test_who_need_not_ask_waits_for_nobody_who_does() -> None:
    quota, shared = Quota("q", 100), SlowShared()
    limiter = RateLimiter(shared, now=Clock())
    assert passed(limiter, quota, 100 // PORTIONS) == 100 // PORTIONS
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(passed, limiter, quota, 1)
        try:
            assert shared.reached.wait(30)
            assert pool.submit(passed, limiter, quota, 1, "another").result(30) == 1
        finally:
            shared.answers.set()
        assert asking.result(30) == 1


@pytest.mark.parametrize("limit", [1, 30, 400])
def test_a_crowd_at_one_process_gets_the_quota_and_no_more(limit: int) -> None:
    quota, limiter = Quota("q", limit), RateLimiter(Shared(), now=Clock())
    with ThreadPoolExecutor(8) as pool:
        let_pass = sum(pool.map(lambda _: passed(limiter, quota, 60), range(8)))
    assert let_pass == min(limit, 480)
