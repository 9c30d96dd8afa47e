"""How a process starts: what it loads then stays for good, and is not worth looking through for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = 20_000, 20, 50
"""Of garbage collection, as `gc.set_threshold`: a request makes thousands of objects and hardly a cycle among them."""


@contextmanager
def collection_paused() -> Iterator[None]:
    """Load and compose in this block: without garbage collection, which would walk a growing heap again and again.

    What is alive at its end is set aside, so that later collections pass it over.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        gc.enable()
