"""A time that an order pays for, where that is no whole term."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Span:
    """A time that was paid for, half-open."""

    starts_at: datetime
    ends_at: datetime
