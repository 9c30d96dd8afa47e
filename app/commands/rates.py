"""`market rates import`: a file of published exchange rates, for whoever runs the installation."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from api.v1.reference_rates import RateImportOut
from app.composition import compose
from app.console import choose, console
from app.embedded.engine_error import EngineError
from app.embedded.engines import running_engines
from billing.reference_rates.import_rates import ImportRates, RateReport, import_rates, try_rates
from billing.reference_rates.read_file import MOST_BYTES
from kernel.db.uow import Database, transact
from kernel.principal import SYSTEM

DONE, FAULTY = 0, 1


def import_file(path: Path, *, source: str, replaces: bool, dry_run: bool, as_json: bool) -> int:
    """Import a file and print its report; 1 where something is wrong with it and nothing was imported."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise EngineError(
            f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"
        ) from error
    with running_engines() as settings:
        db = compose(settings, platform_only=True).db
        try:
            report = take(db, ImportRates(content, source, replaces), dry_run=dry_run)
        finally:
            db.dispose()
    if as_json:
        print(json.dumps(RateImportOut.of(report).as_json(), ensure_ascii=False, indent=1))  # noqa: T201
    else:
        show(report)
    return FAULTY if report.faults else DONE


def take(db: Database, command: ImportRates, *, dry_run: bool) -> RateReport:
    """Import a file, or try to."""
    run = partial(transact, db, SYSTEM)
    return try_rates(run, command) if dry_run else run(lambda uow: import_rates(uow, command))


def show(report: RateReport) -> None:
    """Print a report."""
    for fault in report.faults:
        console.print(f"{fault.line}\t{fault.code}\t{fault.shown}", markup=False)
    counts = f"{report.new} new, {report.changed} replaced, {report.known} known"
    chinese = f"新增 {report.new} 条，替换 {report.changed} 条，已有 {report.known} 条"
    if report.faults:
        said = "Nothing of the file was imported.", "文件未导入任何内容。"
    elif report.is_dry_run:
        said = f"{counts}; nothing was changed.", f"{chinese}；未作任何更改。"
    else:
        said = f"Imported: {counts}.", f"已导入：{chinese}。"
    console.print(choose(*said))
