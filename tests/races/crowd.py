"""Many threads that begin at the same moment."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec, TypeVar

import pytest

from kernel.errors import DomainError

T = TypeVar("T")
P = ParamSpec("P")
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
"""How often a race is run. `RACE_ROUNDS=200 uv run pytest tests/races` before a change of locks or states is merged."""

TIMEOUT_S = 18
"""Of one round, on a machine that is busy with others."""


def in_rounds(test: Callable[P, None]) -> Callable[P, None]:
    """Run a random race again and again, in what its fixtures made once."""

    @wraps(test)
    def run(*arguments: P.args, **fixtures: P.kwargs) -> None:
        for number in range(ROUNDS):
            try:
                test(*arguments, **fixtures)
            except BaseException as error:
                error.add_note(f"in round {number + 1} of {ROUNDS}")
                raise

    return pytest.mark.timeout(max(180, TIMEOUT_S * ROUNDS))(run)


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
