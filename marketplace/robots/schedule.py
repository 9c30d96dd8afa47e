"""When a message is tried again, and when a robot is given up. In a chat what is hours old is of no use any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

WAITS: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
"""After the first try, the second, and so on."""
MOST_TRIES: Final = len(WAITS) + 1
DISABLED_AFTER: Final = timedelta(days=1)
"""A robot by which nothing was posted for so long is disabled."""
RETENTION: Final = timedelta(days=30)
"""What was posted is forgotten after it."""


def wait_after(tries: int) -> timedelta | None:
    """The pause after try number `tries` (from 1); None after the last."""
    return WAITS[tries - 1] if tries < MOST_TRIES else None
