"""What every bench says: method, raw numbers, the calibration of the same minute, and the ratio."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """A figure of this machine at this minute. Only the ratio may be compared with another day's or machine's."""

    name: str
    value: float
    unit: str
    calibration: dict[str, float]
    ratio: float
    method: str
    details: dict[str, Any] = field(default_factory=dict)


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0…1) of the sorted values lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
