"""Counts that processes share, in a real Valkey and without one."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from app.embedded.engines import Addresses
from app.shared_counts import ValkeyCounts
from kernel.ids import uuid7
from kernel.rate_limit import Quota, RateLimiter


def test_what_one_process_adds_another_sees_for_a_while(addresses: Addresses) -> None:
    key, client = f"rate:{uuid7().hex}", redis.Redis.from_url(addresses.redis_url)
    first, second = ValkeyCounts(addresses.redis_url), ValkeyCounts(addresses.redis_url)
    assert [first.add(key, 3, 60), second.add(key, 4, 60)] == [3, 7]
    assert 0 < int(client.ttl(key)) <= 60


def test_two_processes_share_a_quota(addresses: Addresses) -> None:
    quota, caller = Quota("network", 100), uuid7().hex
    processes = [RateLimiter(ValkeyCounts(addresses.redis_url), now=lambda: 6_000.0) for _ in range(2)]
    let_pass = sum(not processes[n % 2].take(quota, caller).is_over for n in range(400))
    assert 90 <= let_pass <= 110


def test_without_a_server_it_says_so_and_the_limiter_counts_alone(tmp_path: Path) -> None:
    counts = ValkeyCounts(f"unix://{tmp_path / 'nobody.sock'}")
    with pytest.raises(OSError, match="nobody"):
        counts.add("rate:x", 1, 60)
    limiter = RateLimiter(counts, now=lambda: 6_000.0)
    assert sum(not limiter.take(Quota("network", 100), "x").is_over for _ in range(200)) == 100
