"""What every bench says: method, raw numbers, the calibration of the same minute, and the ratio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.console import choose


@dataclass(frozen=True, slots=True)
class Method:
    """How a figure was taken, for readers of both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A figure of this machine at this minute. Only the ratio may be compared with another day's or machine's."""

    name: str
    value: float
    unit: str
    method: Method
    ratio: float | None = None
    ratio_of: str = ""
    """What is divided by what; empty without a ratio."""
    calibration: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    broken: Sequence[str] = ()
    """What did not hold: the bench has failed."""


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0…1) of the sorted values lie, by the nearest rank. Raises ValueError for none."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def in_ms(values_s: Sequence[float]) -> dict[str, float]:
    """Count, median and 99th percentile of durations given in seconds."""
    return {
        "count": len(values_s),
        "p50_ms": round(percentile(values_s, 0.5) * 1000, 2),
        "p99_ms": round(percentile(values_s, 0.99) * 1000, 2),
    }


def as_lines(report: Report) -> Iterator[str]:
    """The report for a person: method, details, calibration, and the figure last."""
    yield choose(report.method.en, report.method.zh)
    yield from _indented(report.details, 1)
    for label, figure in report.calibration.items():
        yield choose(f"  calibration {label}: {figure:.1f}", f"  校准 {label}：{figure:.1f}")
    last = f"{report.name}: {report.value:.2f} {report.unit}"
    if report.ratio is not None:
        last += choose(f"   ratio {report.ratio:.4f}", f"   比值 {report.ratio:.4f}") + f" ({report.ratio_of})"
    yield last
    yield from (f"✗ {what}" for what in report.broken)


def _indented(details: Mapping[str, Any], depth: int) -> Iterator[str]:
    for label, figure in details.items():
        if isinstance(figure, Mapping) and any(isinstance(value, Mapping) for value in figure.values()):
            yield f"{'  ' * depth}{label}:"
            yield from _indented(figure, depth + 1)
        elif isinstance(figure, Mapping):
            yield f"{'  ' * depth}{label}: " + ", ".join(f"{key} {value}" for key, value in figure.items())
        else:
            yield f"{'  ' * depth}{label}: {figure}"
