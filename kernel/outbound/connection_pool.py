"""Connections that are kept alive between calls: few, for a short time, each for the very address it was judged for."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kernel.outbound.addresses import CheckedAddress
from kernel.outbound.connection import Connection
from kernel.outbound.policy import OutboundPolicy
from kernel.outbound.urls import Target

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Idle:
    key: Key
    connection: Connection
    until_s: float


class ConnectionPool:
    """Idle connections by endpoint (scheme, host, port) and judged address; the longest idle goes first. Thread safe."""

    def __init__(self, policy: OutboundPolicy, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []

    def take(self, target: Target, addresses: Sequence[CheckedAddress]) -> tuple[Connection, CheckedAddress] | None:
        """A living connection to one of the addresses that were judged for this call, None when there is none."""
        for address in addresses:
            while (connection := self._pop((target.endpoint, address.text))) is not None:
                if not connection.is_stale():
                    return connection, address
                connection.close()
        return None

    def keep(self, target: Target, address: CheckedAddress, connection: Connection) -> None:
        """Keep a connection for a later call, or close it when it is of no further use."""
        if connection.keep_s <= 0:
            connection.close()
            return
        idle = _Idle((target.endpoint, address.text), connection, self._monotonic() + connection.keep_s)
        with self._lock:
            self._idle.append(idle)
            surplus = self._expired()
            while len(self._idle) > self._policy.max_idle_connections:
                surplus.append(self._idle.pop(0))
        _close(surplus)

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        _close(idle)

    def _pop(self, key: Key) -> Connection | None:
        with self._lock:
            expired = self._expired()
            # The one used last is the one least likely to be closed by the other side.
            found = next((idle for idle in reversed(self._idle) if idle.key == key), None)
            if found is not None:
                self._idle.remove(found)
        _close(expired)
        return found.connection if found else None

    def _expired(self) -> list[_Idle]:
        now_s = self._monotonic()
        expired = [idle for idle in self._idle if idle.until_s <= now_s]
        if expired:
            self._idle = [idle for idle in self._idle if idle.until_s > now_s]
        return expired


def _close(connections: Sequence[_Idle]) -> None:
    for idle in connections:
        idle.connection.close()
