"""Counts in Valkey, for limits that all processes of an installation share. Losing them loses nothing but the counts."""

from __future__ import annotations

from typing import Any

import redis

TIMEOUT_S = 0.2
"""A limit is not worth waiting for."""


class ValkeyCounts:
    """`kernel.rate_limit.SharedCounts` in one round trip."""

    def __init__(self, redis_url: str) -> None:
        self._client: redis.Redis = redis.Redis.from_url(
            redis_url,
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        )

    def add(self, key: str, count: int, lasts_s: int) -> int:
        """Add to a count, which is forgotten after `lasts_s`; returns what it comes to. Raises OSError."""
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                pipeline.incrby(key, count)
                pipeline.expire(key, lasts_s)
                answers: list[Any] = pipeline.execute()
        except redis.RedisError as error:
            raise OSError(str(error)) from error
        return int(answers[0])
