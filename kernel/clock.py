"""The only source of the current time.

Everything that decides by time asks here, so that a sandbox or a test can live a year of renewals in a second.
Durations of running code (`time.monotonic`, `time.perf_counter`) are not time in this sense and stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo


@dataclass
class _Source:
    frozen_at: datetime | None = None
    offset: timedelta = timedelta()


_source = _Source()


OWN_QUEUES = "clock-"
"""How the names of queues begin whose jobs are done at an organization's own time."""


@dataclass(frozen=True, slots=True)
class OwnTime:
    """The time of one organization of a sandbox, which stands still between the moves of its test clock."""

    clock_id: UUID
    org_id: UUID
    at: datetime
    is_moving: bool = False
    """Whether what lies between is happening: nobody asks for anything else meanwhile."""
    is_driving: bool = False
    """Whether it is the clock's own driver that acts, which need not be woken."""

    @property
    def queues(self) -> str:
        """Before the names of its queues (`kernel.jobs.kinds.APART`): what it leaves to do is done at its time."""
        return f"{OWN_QUEUES}{self.clock_id.hex}."


_own: ContextVar[OwnTime | None] = ContextVar("own_time", default=None)
_entered: ContextVar[OwnTime | None] = ContextVar("entered_time", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC: of the organization whose time it is, else of the installation."""
    own = _entered.get() or _own.get()
    return own.at if own is not None else installation_now()


def installation_now() -> datetime:
    """The present instant for everybody who has no test clock."""
    if _source.frozen_at is not None:
        return _source.frozen_at
    return datetime.now(UTC) + _source.offset


def own_time() -> OwnTime | None:
    """Whose time it is here; None: everybody's."""
    return _entered.get() or _own.get()


def go_on_at(own: OwnTime) -> None:
    """Let the rest of this request be at an organization's time."""
    _own.set(own)


def enter(own: OwnTime | None) -> None:
    """Let the rest of this transaction be at an organization's time; None: at that of whoever began it."""
    _entered.set(own)


@contextmanager
def living_at(own: OwnTime | None) -> Iterator[None]:
    """Be at an organization's time, or at everybody's, for the duration of the block."""
    before, entered = _own.set(own), _entered.set(None)
    try:
        yield
    finally:
        _entered.reset(entered)
        _own.reset(before)


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
