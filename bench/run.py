"""`market bench NAME`: run one bench and print its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module

from app.console import choose, console, results
from bench.report import Report

NAMES = ("calibrate", "checkout")


def run(name: str, *, as_json: bool) -> int:
    """Run the bench called `name`; 2 when there is none."""
    if name not in NAMES:
        known = ", ".join(NAMES)
        console.print(choose(f"No such bench: {name}. There are: {known}", f"没有测试 {name}，可用：{known}"))
        return 2
    measure: Callable[[], Report] = import_module(f"bench.{name}").measure
    report = measure()
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False))  # noqa: T201
        return 0
    results.print(report.method, markup=False)
    for label, figure in report.details.items():
        results.print(f"  {label}: {figure}", markup=False)
    for label, figure in report.calibration.items():
        results.print(choose(f"  calibration {label}: {figure:.1f}", f"  校准 {label}：{figure:.1f}"), markup=False)
    results.print(f"{report.name}: {report.value:.1f} {report.unit}   ratio {report.ratio:.4f}", markup=False)
    return 0
