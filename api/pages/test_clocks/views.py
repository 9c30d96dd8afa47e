"""Test clocks as their pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from marketplace.test_clocks.queries import TestClockView


@dataclass(frozen=True, slots=True)
class ClocksView:
    """The clocks and the form for another. ``key`` makes a form that is sent twice make one."""

    template: ClassVar[str] = "test_clocks/clocks.html"
    active: ClassVar[str] = "webhooks"

    rows: tuple[TestClockView, ...]
    key: str
    name: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A move that one press makes: to an instant, so that pressed twice it is one."""

    key: str
    """Its words are ``test_clocks.to.<key>``."""
    to: datetime


@dataclass(frozen=True, slots=True)
class HappeningItem:
    """What happened, in words."""

    says: str
    type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClockView:
    """A clock, where it can be moved, and what happened. ``secret`` is the key, shown once."""

    template: ClassVar[str] = "test_clocks/clock.html"
    active: ClassVar[str] = "webhooks"

    one: TestClockView
    steps: tuple[ClockStep, ...]
    happened: tuple[HappeningItem, ...]
    next_due_at: datetime | None = None
    secret: str = ""
    day: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
    next_address: str | None = None
