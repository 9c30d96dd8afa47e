"""When buyers are told of what they owe: before it is due, and by letter after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

STEPS: Final = (-3, 1, 7, 14, 30)
"""Days after the due day, in order; negative: before it. Those after it are letters, the last one is the last warning.

No step takes away what was delivered: a person decides about that.
"""
LAST: Final = STEPS[-1]


def step_at(due_at: datetime, days: int) -> datetime:
    """When a step is taken."""
    return due_at + timedelta(days=days)


def first_step_at(due_at: datetime, since: datetime) -> datetime:
    """When a buyer is told first of what it owes since then. What would have been before that is left out."""
    return next(at for days in STEPS if (at := step_at(due_at, days)) >= since)


def due_step(due_at: datetime, now: datetime) -> int | None:
    """The latest step whose time has come: of several that were missed only that one is taken."""
    return max((days for days in STEPS if step_at(due_at, days) <= now), default=None)


def next_step_at(due_at: datetime, taken: int) -> datetime | None:
    """When the step after one that was taken is due; None after the last."""
    return next((step_at(due_at, days) for days in STEPS if days > taken), None)
