"""From when a reader reads what was recorded, so that it misses nothing whose transaction took long to commit.

Commits do not come in the order of their instants. Nearly all come within seconds, and a short overlap finds them. Every half
minute a reader looks back further than a transaction of ours lives (`kernel.db.uow.LIMITS`), and only then moves its mark: an
idle market writes little, a busy one does not ask of every fact of the last minute, each second, whether it has been read.
"""

from __future__ import annotations

from datetime import datetime, timedelta

OVERLAP = timedelta(seconds=10)
LOOK_BACK = timedelta(minutes=1)
STEP = timedelta(seconds=30)


def looks_far_back(read_until: datetime, now: datetime) -> bool:
    """Whether this reading is one after which the mark moves to `now`, as when a sandbox's clock jumped either way."""
    return abs(now - read_until) >= STEP


def read_since(read_until: datetime, now: datetime) -> datetime:
    """The first instant to read, inclusive."""
    return min(read_until, now) - LOOK_BACK if looks_far_back(read_until, now) else now - OVERLAP
