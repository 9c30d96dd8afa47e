"""So many requests of one caller in a window: counted where they arrive, and told to the other processes now and then.

A process lets a twentieth of the quota pass before it asks what the others have let pass, and as much again after each time
it asked. So most requests cost a look into a dictionary, and a caller who goes from process to process gets at most a
twentieth a process more than the quota. While the shared count does not answer, each process counts for itself.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import structlog

from kernel import clock

log = structlog.get_logger(__name__)

PORTIONS = 20
"""Of a quota, as one of which it is handed to a process."""
MOST_CALLERS = 50_000
"""Remembered at a time; of more, who came longest ago begins anew."""
RESTS_S = 5.0
"""How long the shared count is not asked after it did not answer."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`limit` requests in windows of `window_s` seconds; a limit of 0 is none. The name is what callers read."""

    name: str
    limit: int
    window_s: int = 60


class SharedCounts(Protocol):
    """Counts that all processes of an installation have in common."""

    def add(self, key: str, count: int, lasts_s: int) -> int:
        """Add to a count, which is forgotten after `lasts_s`; returns what it comes to. Raises OSError."""


class Standing(NamedTuple):
    """How a caller stands: what is left, when all of it is back, and whether this request was one too many."""

    quota: Quota
    remaining: int
    reset_s: int
    is_over: bool = False


@dataclass(slots=True)
class _Count:
    window: int
    used: int = 0
    granted: int = 0
    """How many may pass before the others are asked."""
    reported: int = 0
    """How many of `granted` the shared count knows of."""
    others: int = 0
    """What other processes had reported when they were last asked."""
    is_over: bool = False
    is_known: bool = False


def _wall_s() -> float:
    """Windows are those of every process, whatever a sandbox's clock says."""
    return clock.wall_now().timestamp()


class RateLimiter:
    """Counts requests for one process. `shared` is what its like have in common; None where there is one process alone."""

    def __init__(
        self,
        shared: SharedCounts | None = None,
        *,
        now: Callable[[], float] = _wall_s,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared
        self._now = now
        self._monotonic = monotonic
        self._rests_until_s = 0.0
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def must_ask(self, quota: Quota, caller: str) -> bool:
        """Whether `take` would ask the shared count, which may wait for it: then call it on a thread."""
        with self._lock:
            count = self._count(quota, caller)
            return self._shared is not None and not count.is_over and count.used >= count.granted

    def take(self, quota: Quota, caller: str) -> Standing:
        """Count a request."""
        with self._lock:
            count = self._count(quota, caller)
            if count.is_over or count.used < count.granted:
                return self._passed(quota, count)
            wanted = count.used + _portion(quota)
            unreported, count.reported = wanted - count.reported, wanted
        # Without the lock: requests that need not ask do not wait for those that do.
        total = self._tell(f"rate:{quota.name}:{caller}:{count.window}", unreported, quota)
        with self._lock:
            if total is None:
                count.reported -= unreported
            else:
                count.others = max(total - count.reported, 0)
            count.granted = min(wanted, max(quota.limit - count.others, 0))
            count.is_over = count.granted <= count.used
            return self._passed(quota, count)

    def look(self, quota: Quota, caller: str) -> Standing:
        """How a caller stands, counting nothing."""
        with self._lock:
            return self._standing(quota, self._count(quota, caller))

    def recognise(self, quota: Quota, caller: str) -> None:
        """Remember that the caller's credential was a good one."""
        with self._lock:
            self._count(quota, caller).is_known = True

    def is_known(self, quota: Quota, caller: str) -> bool:
        """Whether the caller's credential was a good one lately."""
        with self._lock:
            return self._count(quota, caller).is_known

    def _count(self, quota: Quota, caller: str) -> _Count:
        window, key = int(self._now() // quota.window_s), (quota.name, caller)
        count = self._counts.get(key)
        if count is None or count.window != window:
            known = count is not None and count.is_known
            count = self._counts[key] = _Count(window, granted=_portion(quota), is_known=known)
            if len(self._counts) > MOST_CALLERS:
                self._counts.popitem(last=False)
        self._counts.move_to_end(key)
        return count

    def _tell(self, key: str, unreported: int, quota: Quota) -> int | None:
        """Tell the others what passes here; the sum of what all have reported comes back, None while they are not to be asked."""
        if self._shared is None or self._monotonic() < self._rests_until_s:
            return None
        try:
            return self._shared.add(key, unreported, 2 * quota.window_s)
        except OSError as error:
            self._rests_until_s = self._monotonic() + RESTS_S
            log.warning("rate_limit_unshared", error=str(error))
            return None

    def _passed(self, quota: Quota, count: _Count) -> Standing:
        if not count.is_over:
            count.used += 1
        return self._standing(quota, count)

    def _standing(self, quota: Quota, count: _Count) -> Standing:
        left_s = quota.window_s - self._now() % quota.window_s
        remaining = 0 if count.is_over else max(0, quota.limit - count.others - count.used)
        return Standing(quota, remaining, max(1, int(left_s) + 1), count.is_over)


def _portion(quota: Quota) -> int:
    return max(1, quota.limit // PORTIONS)
