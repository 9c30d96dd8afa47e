"""Fairness inside one process: a circuit breaker and a limit of calls in flight for each endpoint.

An endpoint is what is called in one name (a seller's connector) at one address. Whoever shares an address with a failing
neighbour has a breaker and slots of their own; all of them together share a wide limit.

State is kept in memory on purpose: it protects this process's threads from a slow endpoint. What must survive a
restart (when to try a delivery again) lives in the database with the delivery.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from kernel.outbound.errors import BreakerOpen, EndpointBusy
from kernel.outbound.policy import OutboundPolicy

log = structlog.get_logger(__name__)


class Breaker:
    """Closed → open after a row of failures → one probe after the pause → closed, or open for twice as long."""

    def __init__(self, policy: OutboundPolicy, monotonic: Callable[[], float]) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: float | None = None
        self._open_s = policy.breaker_open_s
        self._probing = False

    def admit(self) -> None:
        """Let a call pass. Raises BreakerOpen while the endpoint rests or another call is probing it."""
        with self._lock:
            if self._open_until is None:
                return
            left_s = self._open_until - self._monotonic()
            if left_s > 0 or self._probing:
                raise BreakerOpen(max(left_s, 1.0))
            self._probing = True

    def record(self, *, healthy: bool | None) -> float | None:
        """Note a call's end; None when the call never got as far as the endpoint and so says nothing about it.

        Answers for how many seconds the endpoint rests, when this call made it rest.
        """
        with self._lock:
            was_probe, self._probing = self._probing, False
            if healthy is None:
                return None
            if healthy:
                self._failures, self._open_until, self._open_s = 0, None, self._policy.breaker_open_s
                return None
            self._failures += 1
            if was_probe:
                self._open_s = min(self._open_s * 2, self._policy.breaker_max_open_s)
            if was_probe or self._failures >= self._policy.breaker_failures:
                self._open_until = self._monotonic() + self._open_s
                return self._open_s
            return None


class Passage:
    """Handed to the caller of :meth:`Endpoints.enter` to say how the call went; silence means "says nothing"."""

    def __init__(self) -> None:
        self.healthy: bool | None = None


class _Endpoint:
    def __init__(self, breaker: Breaker, slots: int) -> None:
        self.breaker = breaker
        self.slots = threading.BoundedSemaphore(slots)
        self.users = 0


class Endpoints:
    """All endpoints this process has called lately, least recently used forgotten first. Thread safe."""

    def __init__(self, policy: OutboundPolicy, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str | None], _Endpoint] = OrderedDict()

    @contextmanager
    def enter(self, address: str, name: str = "", *, wait_s: float) -> Iterator[Passage]:
        """Hold one slot of the endpoint, and one of its address, for the length of a call in this name.

        Raises:
            EndpointBusy: no slot became free within ``wait_s`` seconds.
            BreakerOpen: the endpoint rests after a row of failures.
        """
        until_s = self._monotonic() + wait_s
        policy = self._policy
        with (
            self._slot((address, name), policy.max_in_flight_per_endpoint, until_s) as breaker,
            self._slot((address, None), policy.max_in_flight_per_address, until_s),
        ):
            breaker.admit()
            passage = Passage()
            try:
                yield passage
            finally:
                rests_s = breaker.record(healthy=passage.healthy)
                if rests_s is not None:
                    log.warning("endpoint_rests", address=address, name=name, seconds=rests_s)

    @contextmanager
    def _slot(self, key: tuple[str, str | None], slots: int, until_s: float) -> Iterator[Breaker]:
        endpoint = self._take(key, slots)
        try:
            if not endpoint.slots.acquire(timeout=max(until_s - self._monotonic(), 0.0)):
                raise EndpointBusy(retry_after_s=1.0)
            try:
                yield endpoint.breaker
            finally:
                endpoint.slots.release()
        finally:
            with self._lock:
                endpoint.users -= 1

    def _take(self, key: tuple[str, str | None], slots: int) -> _Endpoint:
        with self._lock:
            endpoint = self._known.get(key)
            if endpoint is None:
                self._forget_idle()
                endpoint = self._known[key] = _Endpoint(Breaker(self._policy, self._monotonic), slots)
            self._known.move_to_end(key)
            endpoint.users += 1
            return endpoint

    def _forget_idle(self) -> None:
        if len(self._known) < self._policy.max_endpoints_tracked:
            return
        idle = next((key for key, endpoint in self._known.items() if endpoint.users == 0), None)
        if idle is not None:
            del self._known[idle]
