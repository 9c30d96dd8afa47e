"""The only source of the current time.

Everything that decides by time asks here, so that a sandbox or a test can live a year of renewals in a second.
Durations of running code (`time.monotonic`, `time.perf_counter`) are not time in this sense and stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass
class _Source:
    frozen_at: datetime | None = None
    offset: timedelta = timedelta()


_source = _Source()


def now() -> datetime:
    """The present instant, aware, in UTC."""
    if _source.frozen_at is not None:
        return _source.frozen_at
    return datetime.now(UTC) + _source.offset


def wall_now() -> datetime:
    """System time, never frozen nor shifted: for signatures that a counterpart checks by its own clock."""
    return datetime.now(UTC)


def today(time_zone: str = "UTC") -> date:
    """The present date where `time_zone` (IANA name) keeps its calendar."""
    return now().astimezone(ZoneInfo(time_zone)).date()


def advance(by: timedelta) -> datetime:
    """Move a frozen clock forward and return the new instant.

    Raises:
        RuntimeError: the clock is not frozen; the real clock cannot be moved.
    """
    if _source.frozen_at is None:
        msg = "only a frozen clock can be advanced"
        raise RuntimeError(msg)
    _source.frozen_at += by
    return _source.frozen_at


def shift(by: timedelta) -> None:
    """Run this process `by` ahead of the real clock (sandbox only): commands use it to show what a later day brings."""
    _source.offset = by


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock at `at` (aware) for the duration of the block."""
    if at.tzinfo is None:
        msg = "a frozen instant must carry its time zone"
        raise ValueError(msg)
    before = _source.frozen_at
    _source.frozen_at = at.astimezone(UTC)
    try:
        yield
    finally:
        _source.frozen_at = before
