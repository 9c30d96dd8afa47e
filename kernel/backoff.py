"""One back-off: exponential up to a ceiling, less up to half of it by chance, so that those who failed together part."""

from __future__ import annotations

import random
from datetime import timedelta


def backoff(attempts: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """The pause after attempt number `attempts` (from 1): `first`, doubled each time up to `longest`, with jitter."""
    ceiling: timedelta = min(longest, first * int(2 ** min(max(attempts, 1) - 1, 30)))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is not a secret
