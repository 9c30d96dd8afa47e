"""When a delivery is tried again, when an endpoint is left alone, and when it is given up: all of it data.

Twelve tries over seven days. A delivery waits by its own place in the schedule; an endpoint whose calls fail one after another
rests as well, so that what waits for it costs nobody else anything.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final

WAITS: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=20),
    timedelta(hours=30),
    timedelta(hours=42),
    timedelta(hours=58),
)
"""After the first try, the second, and so on; 168 hours in all, less the jitter."""
MOST_TRIES: Final = len(WAITS) + 1
JITTER: Final = 0.1
"""A wait is shorter by up to this share, so that what failed together does not come back together."""
RESTS_AFTER: Final = 3
"""Failures in a row after which an endpoint rests."""
FIRST_REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(minutes=30)
DISABLED_AFTER: Final = timedelta(days=6)
"""An endpoint that takes nothing for so long is disabled. A delivery's last try comes 6.3 to 7 days after its first."""


def next_wait(tries: int) -> timedelta | None:
    """The pause after try number `tries` (from 1), with jitter; None after the last."""
    if tries >= MOST_TRIES:
        return None
    return WAITS[tries - 1] * random.uniform(1 - JITTER, 1)  # noqa: S311 - jitter is not a secret


def rest_after(failures: int) -> timedelta | None:
    """How long an endpoint rests after so many failures in a row, with jitter; None while it does not."""
    if failures < RESTS_AFTER:
        return None
    ceiling = min(LONGEST_REST, FIRST_REST * 2 ** min(failures - RESTS_AFTER, 20))
    rest: timedelta = ceiling * random.uniform(1 - JITTER, 1)  # noqa: S311 - (same)
    return rest
