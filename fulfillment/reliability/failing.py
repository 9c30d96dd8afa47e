"""When failed deliveries keep a listing from new buyers. Pure; the rule is stated to sellers in these figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

IN_ROW = 5
"""So many of the latest, all failed, pause it."""
ENOUGH = 10
"""Of so many, or more, more than half failed: they pause it, too."""
WITHIN = timedelta(days=7)
"""Deliveries that ended earlier decide nothing."""
PauseRule = Literal["in_row", "share"]


@dataclass(frozen=True, slots=True)
class Failing:
    """By which rule a listing is paused: `failed` of the `counted` latest deliveries."""

    rule: PauseRule
    failed: int
    counted: int


def find_failing(outcomes: Sequence[bool]) -> Failing | None:
    """Whether deliveries that ended within `WITHIN` pause their listing; whether each succeeded, the latest first."""
    if len(outcomes) >= IN_ROW and not any(outcomes[:IN_ROW]):
        return Failing("in_row", IN_ROW, IN_ROW)
    failed = len(outcomes) - sum(outcomes)
    if len(outcomes) >= ENOUGH and 2 * failed > len(outcomes):
        return Failing("share", failed, len(outcomes))
    return None
