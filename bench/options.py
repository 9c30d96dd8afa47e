"""What a bench may be told on its command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every bench; one that has no use for an option leaves it alone."""

    port: int | None = None
    """The API's port; the sample seller takes the next one. None: free ones."""
    runs: int = 5
    """How many starts `coldstart` measures."""
    rows: int = 1_000_000
    """How many rows of each kind `growth` ends with."""
