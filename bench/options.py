"""What a bench may be told on its command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every bench; one that has no use for an option leaves it alone."""

    port: int | None = None
    """The API's port; the sample seller takes the next one. None: free ones."""
    runs: int = 5
    """How many starts `coldstart` measures; how many flash sales `live` holds."""
    rows: int = 1_000_000
    """How many rows of each kind `growth` ends with; how many products `search` makes, at most 10⁵; how
    many `touchpoints` are counted."""
    kills: int = 30
    """How many processes `crash` kills."""
    minutes: float | None = None
    """How long `crash` goes on. None: three kills a minute."""
    seed: int = 7
    """From which `crash` draws who is killed when, and what is bought."""
