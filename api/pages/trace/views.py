"""The trace that anyone entitled may walk, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.timeline import Timeline


@dataclass(frozen=True, slots=True)
class TraceChoice:
    """One of several with the number that was typed. ``of`` is whose number it is."""

    address: str
    kind: str
    number: str
    of: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TraceView:
    """The chain through one id, upstream and downstream of it. No ``id`` shows only the search box.

    ``searched`` is what was typed; ``missing`` means that it was not found or is not the reader's to see; ``choices`` are
    the several that it names.
    """

    template: ClassVar[str] = "trace/trace.html"
    active: ClassVar[str] = "trace"

    searched: str = ""
    missing: bool = False
    timeline: Timeline | None = None
    #: Names the start in words, as "invoice INV-2026-000123".
    subject: str = ""
    broken: int = 0
    choices: tuple[TraceChoice, ...] = ()
