"""The trace that anyone entitled may walk, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.timeline import Timeline


@dataclass(frozen=True, slots=True)
class TraceView:
    """The chain through one id, upstream and downstream of it. No ``id`` shows only the search box.

    ``searched`` is what was typed; ``missing`` means that it was not found or is not the reader's to see.
    """

    template: ClassVar[str] = "trace/trace.html"
    active: ClassVar[str] = "trace"

    searched: str = ""
    missing: bool = False
    timeline: Timeline | None = None
    #: Names the start in words, as "invoice INV-2026-000123".
    subject: str = ""
    broken: int = 0
