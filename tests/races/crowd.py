"""Many threads that begin at the same moment."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kernel.errors import DomainError

T = TypeVar("T")
ROUNDS = int(os.environ.get("RACE_ROUNDS", "10"))
"""How often a race is run. `RACE_ROUNDS=200 uv run pytest tests/races` before a change of locks or states is merged."""


def at_once(works: Sequence[Callable[[], T]]) -> list[T | str]:
    """Run each in a thread of its own, all released together. Results in order; a refusal is its code."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T | str:
        barrier.wait(30)
        try:
            return work()
        except DomainError as refused:
            return refused.code

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
