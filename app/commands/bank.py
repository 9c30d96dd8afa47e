"""`market bank import`: a statement file of one of the platform's bank accounts, for whoever runs the installation."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from api.problems import sentence
from api.v1.bank_out import BankImportOut
from app.composition import compose
from app.console import choose, console
from app.embedded.engine_error import EngineError
from app.embedded.engines import running_engines
from billing.bank.import_statement import ImportReport, ImportStatement, import_statement, try_import
from billing.bank.queries import account_by_code
from billing.bank.statements.read_file import MOST_BYTES
from kernel.db.uow import Database, transact
from kernel.errors import DomainError
from kernel.money import to_decimal
from kernel.principal import SYSTEM

DONE, FAULTY = 0, 1


def import_file(path: Path, *, account: str, dry_run: bool, as_json: bool) -> int:
    """Import a file and print its report; 1 where something is wrong with it and nothing was imported."""
    try:
        content = path.read_bytes()[: MOST_BYTES + 1]
    except OSError as error:
        raise EngineError(
            f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"
        ) from error
    with running_engines() as settings:
        db = compose(settings, platform_only=True).db
        try:
            report = take(db, account, path.name, content, dry_run=dry_run)
        except DomainError as refused:
            english, chinese = (sentence(refused.code, spoken, dict(refused.params)) for spoken in ("en", "zh"))
            raise EngineError(" ".join(english.values()), "".join(chinese.values())) from refused
        finally:
            db.dispose()
    if as_json:
        print(json.dumps(BankImportOut.of(report).as_json(), ensure_ascii=False, indent=1))  # noqa: T201
    else:
        show(report)
    return FAULTY if report.faults else DONE


def take(db: Database, account: str, name: str, content: bytes, *, dry_run: bool) -> ImportReport:
    """Import a file, or try to. Raises as `import_statement`."""
    run = partial(transact, db, SYSTEM)
    command = ImportStatement(run(lambda uow: account_by_code(uow, account)), name, content)
    return try_import(run, command) if dry_run else run(lambda uow: import_statement(uow, command))


def show(report: ImportReport) -> None:
    """Print a report, a line for each."""
    for fault in report.faults:
        console.print(f"{fault.line}\t{fault.code}\t{fault.shown}", markup=False)
    for line in report.lines:
        amount = to_decimal(line.amount_minor, report.currency)
        console.print(f"{line.line}\t{line.outcome}\t{amount}\t{line.counterparty_name}\t{line.remark}", markup=False)
    if report.faults:
        said = "Nothing of the file was imported.", "文件未导入任何内容。"
    elif report.is_known:
        said = "This file was imported before; nothing was done.", "此文件此前已导入，本次未作任何更改。"
    elif report.is_dry_run:
        said = f"{report.new_lines} new lines; nothing was changed.", f"{report.new_lines} 条新流水；未作任何更改。"
    else:
        said = f"{report.new_lines} new lines imported.", f"已导入 {report.new_lines} 条新流水。"
    console.print(choose(*said))
