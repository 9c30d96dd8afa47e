"""`market verify`: the invariants of the whole house, over all stored data."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import orders.loop
from app.composition import heads_file
from app.console import choose, console, results
from app.verify.check import RuleResult, VerifyReport, verify
from app.verify.rule import Outside
from kernel import sandbox_clock
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from kernel.settings import Settings
from kernel.storage import open_storage

LOOP = orders.loop
"""Imported for what it registers: which facts have followers."""
FAILED = 1


def run(settings: Settings, *, as_json: bool, seller_logs: Sequence[str] = ()) -> int:
    """Check every rule and show what was found; 1 when anything is broken."""
    report = check(settings, seller_logs=seller_logs, show=not as_json)
    if as_json:
        print(json.dumps(as_document(report), ensure_ascii=False, default=str))  # noqa: T201  # the command's result
    else:
        _show(report)
    return 0 if report.ok else FAILED


def check(settings: Settings, *, seller_logs: Sequence[str] = (), show: bool = False) -> VerifyReport:
    """Check every rule on the database and object store of `settings`."""
    if settings.database_url is None:
        raise ValueError("the engines must be resolved before data is verified")
    db = Database(settings.database_url, pool_size=2)
    outside = Outside(open_storage(settings.object_store_url), tuple(seller_logs), heads_file(settings))
    try:
        if not settings.is_production:
            with unit_of_work(db, SYSTEM) as uow:
                sandbox_clock.follow(uow)
        if not show:
            return verify(db, outside)
        with console.status(choose("Verifying", "正在核验")) as status:
            return verify(db, outside, tell=lambda name: status.update(choose(f"Verifying {name}", f"正在核验 {name}")))
    finally:
        db.dispose()


def as_document(report: VerifyReport) -> dict[str, Any]:
    """The report as one JSON object."""
    return {
        "ok": report.ok,
        "rules": [
            {
                "name": outcome.name,
                "meaning": choose(outcome.en, outcome.zh),
                "violations": outcome.found.violations,
                "examples": [dict(example) for example in outcome.found.examples],
            }
            for outcome in report.outcomes
        ],
        "seconds": round(report.seconds, 3),
    }


def _show(report: VerifyReport) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column(choose("Rule", "规则"), no_wrap=True)
    table.add_column(choose("What holds", "含义"))
    table.add_column(choose("Broken", "违反"), justify="right")
    for outcome in report.outcomes:
        broken = outcome.found.violations
        table.add_row(
            "[red]✗[/red]" if broken else "[green]✓[/green]",
            outcome.name,
            choose(outcome.en, outcome.zh),
            f"[red]{broken}[/red]" if broken else "[dim]0[/dim]",
        )
    # A console of its own: the table must wrap, while lines elsewhere are left to the terminal.
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table)
    for outcome in report.outcomes:
        if outcome.found.violations:
            _show_examples(outcome)
    results.print()
    rules, seconds = len(report.outcomes), report.seconds
    if report.ok:
        text = choose(
            f"All {rules} rules hold. Checked in {seconds:.1f} s.", f"全部 {rules} 条规则成立，用时 {seconds:.1f} 秒。"
        )
        results.print(f"[green]{text}[/green]")
        return
    broken_rules = sum(1 for outcome in report.outcomes if outcome.found.violations)
    text = choose(
        f"{broken_rules} of {rules} rules are broken; nothing was changed. Look at the rows named above before paying "
        "anything out.",
        f"{rules} 条规则中有 {broken_rules} 条被违反；未作任何更改。请先检查上列记录，再进行任何打款。",
    )
    results.print(f"[red]{text}[/red]")


def _show_examples(outcome: RuleResult) -> None:
    results.print()
    results.print(f"[bold]{outcome.name}[/bold]  {escape(choose(outcome.en, outcome.zh))}")
    for example in outcome.found.examples:
        figures = "  ".join(f"{name}={value}" for name, value in example.items() if value is not None)
        results.print(f"  · {figures}", markup=False)
    more = outcome.found.violations - len(outcome.found.examples)
    if more > 0:
        results.print(choose(f"  … and {more} more", f"  ……另有 {more} 处"), markup=False)
