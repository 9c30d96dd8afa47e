"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that primary keys grow with time and indexes stay warm."""

from __future__ import annotations

import os
import secrets
import threading
import time
from hashlib import blake2b
from uuid import UUID


def uuid7() -> UUID:
    """A new time-ordered identifier with 62 random bits beside 244-nanosecond steps of time.

    The fraction of the millisecond stands in `rand_a` (RFC 9562 §6.2 method 3, as PostgreSQL 18 does it), so that rows of
    one transaction sort in the order in which they were made. The wall clock is read directly rather than through
    `kernel.clock`: an identifier must stay unique under a frozen clock, and nothing may be decided from the instant in it.
    """
    millis, nanos = divmod(time.time_ns(), 1_000_000)
    value = (millis & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= (nanos * 4096 // 1_000_000) << 64
    value |= 0b10 << 62
    value |= int.from_bytes(_random.take(), "big") & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=value)


def named_id(owner: UUID, name: str) -> UUID:
    """The identifier of what its owner calls `name`: the same for ever (RFC 9562 §5.8, version 8, of a BLAKE2b digest)."""
    value = int.from_bytes(blake2b(name.encode(), key=owner.bytes, digest_size=16).digest(), "big")
    value &= ~(0xF << 76) & ~(0b11 << 62)
    return UUID(int=value | 0x8 << 76 | 0b10 << 62)


class _Random:
    """Random bytes of the system, taken from it many at a time: asking the kernel for each identifier costs as much as
    a statement. A forked process begins anew, so that none repeats its parent's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()
        os.register_at_fork(after_in_child=self.clear)

    def clear(self) -> None:
        self._lock = threading.Lock()
        self._bytes, self._at = b"", 0

    def take(self) -> bytes:
        """Eight bytes that were never given before."""
        with self._lock:
            if self._at + 8 > len(self._bytes):
                self._bytes, self._at = secrets.token_bytes(4096), 0
            self._at += 8
            return self._bytes[self._at - 8 : self._at]


_random = _Random()


def parse_uuid(text: str) -> UUID | None:
    """The identifier that `text` spells, or None when it spells none."""
    try:
        return UUID(text)
    except ValueError:
        return None
