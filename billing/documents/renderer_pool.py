"""Isolated renderers shared by the threads of a process: never more children than there are cores to draw with."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from billing.documents.renderer import Document
from billing.documents.subprocess_renderer import SubprocessRenderer


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class RendererPool:
    """At most `most` renderers, each drawing one document at a time; whoever finds none free waits.

    The one used last is used first, so that where one is enough the others' children end when they have rested.
    """

    def __init__(self, most: int | None = None, *, make: Callable[[], SubprocessRenderer] = SubprocessRenderer) -> None:
        self._make = make
        self._places = threading.BoundedSemaphore(most or usable_cores())
        self._free: list[SubprocessRenderer] = []

    def render(self, document: Document, timeout_s: float) -> bytes:
        """See `SubprocessRenderer.render`; the time spent waiting for a free one does not count."""
        with self._places:
            try:
                renderer = self._free.pop()
            except IndexError:
                renderer = self._make()
            try:
                return renderer.render(document, timeout_s)
            finally:
                self._free.append(renderer)
