"""The `market` command. Each subcommand imports what it needs when it runs, so that the command starts quickly."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from app.console import choose, console, terminal_language

FAILED, UNUSABLE = 1, 2
"""Exit codes: a check found something; the command could not run at all."""

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document on standard output.")]
Check = Annotated[bool, Parameter(negative="")]

app = App(
    name="market",
    help="Sell software from a video: purchase, provisioning, billing, revenue share and invoices in one loop.",
    version_flags=["--version"],
)


@app.command
def up(*, sample: bool = True) -> int:
    """Start everything, with nothing to install or configure, and print addresses and sign-ins. Ctrl-C ends it.

    Args:
        sample: Fill the market with sample organizations, videos and a sample seller.
    """
    from app.commands.up import run

    return run(sample=sample)


@app.command
def serve() -> int:
    """Serve the HTTP API and the pages on HOST:PORT."""
    from app.commands.serve import run

    return run()


@app.command
def worker(*, queue: list[str] | None = None, scheduler: Check = False) -> int:
    """Run jobs.

    Args:
        queue: Queue to work on; may be given several times. Without it, all but `documents`, on which invoices are
            rendered: that is heavy work for processes of its own.
        scheduler: Do the scheduler's work in the same process, too.
    """
    from app.commands.background import run_worker

    return run_worker(tuple(queue or ()), with_scheduler=scheduler)


@app.command
def scheduler() -> int:
    """Start what is due by the clock and signal again jobs still undone; one of several is active at a time."""
    from app.commands.background import run_scheduler

    return run_scheduler()


@app.command
def migrate(*, check: Check = False) -> int:
    """Bring the database to this release's structure.

    Args:
        check: Instead, prove on a throw-away database that the migrations lead to the models, down again and up.
    """
    from app.commands.migrate import run

    return run(check=check)


@app.command
def retention() -> int:
    """Make the coming months' partitions and drop those past their retention, once. The scheduler does it by itself
    where it knows DATABASE_ADMIN_URL; else run this every day.
    """
    from app.commands.retention import run

    return run()


books = App(name="books", help="The ledger, and what is kept beside it.")
app.command(books)


@books.command(name="rebuild")
def rebuild_books(*, check: bool = False) -> int:
    """Compute again, from their facts, the amounts that are kept beside them, and write anew what differs.

    Args:
        check: Only show what differs; exits with 1 when anything does.
    """
    from app.commands.books import run

    return run(check=check)


@app.command(name="rebuild-rollups")
def rebuild_rollups() -> int:
    """Count touchpoints and sales by day anew, from the touchpoints that are still kept and all orders.

    Run it when `market verify` names `analytics.touchpoints` or `analytics.sales`; nothing else is changed.
    """
    from app.commands.rollups import run

    return run()


operator = App(name="operator", help="The platform's own staff.")
app.command(operator)


@operator.command(name="add")
def add_operator(
    email: str,
    /,
    *,
    name: str = "",
    language: Literal["zh-CN", "en"] = "zh-CN",
    role: Literal["operator", "finance"] = "operator",
) -> int:
    """Add an operator, or somebody of the platform's finance. The password is asked for, or read from standard input.

    Args:
        email: Address to sign in with; one of its own, not that of a buyer or seller.
        name: What pages call them.
        language: Of their mails.
        role: An operator, or `finance`: who looks after the invoices and tax invoices that the platform issues.
    """
    from app.commands.operators import add

    return add(email, name=name, language=language, role=role)


@operator.command(name="reset-second-factor")
def reset_factor(email: str, /) -> int:
    """Switch two-step sign-in off for somebody who has lost the app and the recovery codes. Be sure who asks.

    Args:
        email: The account's address. Its owner is told by mail.
    """
    from app.commands.operators import reset_factor

    return reset_factor(email)


bank = App(name="bank", help="The platform's bank accounts.")
app.command(bank)


@bank.command(name="import")
def import_bank_file(file: Path, /, *, account: str, dry_run: Check = False, as_json: AsJson = False) -> int:
    """Import a statement file (CSV, MT940 or camt.053): all of it, or, where anything is wrong with it, nothing.

    Args:
        file: The file as the bank gave it.
        account: The account's short name, as on the page /operator/bank.
        dry_run: Say what would happen, and do nothing.
        as_json: Print the report as one JSON document.
    """
    from app.commands.bank import import_file

    return import_file(file, account=account, dry_run=dry_run, as_json=as_json)


rates = App(
    name="rates", help="Exchange rates of central banks, by which foreign-currency tax is said in national money."
)
app.command(rates)


@rates.command(name="import")
def import_rate_file(
    file: Path, /, *, source: str = "", replace: Check = False, dry_run: Check = False, as_json: AsJson = False
) -> int:
    """Import a file of rates (date,base,quote,rate,source; or the ECB's eurofxref.csv): all of it, or nothing.

    Args:
        file: The file.
        source: Whose rates they are, where rows do not say: ECB, PBOC, NBP.
        replace: Let the file say otherwise than what is known.
        dry_run: Say what would happen, and do nothing.
        as_json: Print the report as one JSON document.
    """
    from app.commands.rates import import_file

    return import_file(file, source=source, replaces=replace, dry_run=dry_run, as_json=as_json)


@app.command(show=False)
def seed() -> int:
    """Fill the database with the sample market, once."""
    from app.commands.up import seed_sample

    return seed_sample()


@app.command(show=False)
def history() -> int:
    """Let the sample market live through the months before it, once."""
    from app.commands.up import live_history

    return live_history()


@app.command
def verify(*, as_json: AsJson = False, seller_log: list[str] | None = None) -> int:
    """Check the invariants over all stored data; a non-zero exit code when one is broken.

    Args:
        as_json: Print one JSON document on standard output.
        seller_log: Address of a sample seller whose own log is held against the entitlements; may be given several times.
    """
    from app.commands.verify import run
    from app.embedded.engines import running_engines

    with running_engines() as settings:
        return run(settings, as_json=as_json, seller_logs=tuple(seller_log or ()))


@app.command
def demo(
    *,
    video: Path | None = None,
    gateway: Literal["sandbox", "stripe"] = "sandbox",
    short: Annotated[bool, Parameter(negative="")] = False,
    story: Literal["loop", "relations"] = "loop",
    as_json: AsJson = False,
) -> int:
    """Drive the whole loop over public HTTP on a fresh temporary market, showing the evidence of each step.

    Args:
        video: An MP4 file of your own to sell from.
        gateway: Through which money comes and goes: the sandbox, or Stripe as this machine plays it, over real HTTP.
        short: End with the first year: nothing recurs.
        story: The loop, or its second act: a dealer orders from a live session for partners and its headquarters pays, a
            circle binds a company and buys, a visitor of an exhibition becomes a customer.
        as_json: Print one JSON document on standard output.
    """
    from app.commands.demo import run

    return run(video=video, as_json=as_json, gateway=gateway, short=short, act=story)


@app.command
def trace(identifier: str, /, *, as_json: AsJson = False) -> int:
    """Walk from any id, of a video, order, payment, run, invoice or payout, to everything it caused and came from."""
    from app.commands.trace import run
    from app.embedded.engines import running_engines

    with running_engines() as settings:
        return run(settings, identifier, as_json=as_json)


@app.command
def doctor(*, as_json: AsJson = False) -> int:
    """Check ports, engines, migrations, fonts, Pango, Python and disk space, and say how to mend what is missing."""
    from app.commands.doctor import run

    return run(as_json=as_json)


@app.command
def openapi(*, check: Check = False) -> int:
    """Write the OpenAPI document.

    Args:
        check: Instead, compare it with the one checked in and fail on any difference.
    """
    from app.commands.openapi import run

    return run(check=check)


def lacks_tables(error: Exception) -> bool:
    """Whether the database misses a schema, table, column or function that this release works with (SQLSTATE class 42)."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state in {"3F000", "42P01", "42703", "42883"}


def main() -> None:
    """Entry point: run the command and exit with its code; what a person can mend is said without a traceback."""
    from app.embedded.engine_error import EngineError
    from app.embedded.folder_lock import FolderInUse
    from kernel.settings_error import SettingsError

    try:
        code = app(result_action="return_value")
    except SettingsError as error:
        head = choose("These settings cannot be used; nothing was started:", "以下设置无法使用，未启动任何服务：")
        console.print(f"{head}\n{error.render(terminal_language())}", markup=False)
        code = UNUSABLE
    except (FolderInUse, EngineError) as error:
        console.print(error.render(terminal_language()), markup=False)
        code = UNUSABLE
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if not lacks_tables(error):
            raise
        english = (
            "The database has not this release's tables; nothing was changed. Run `market migrate`, then this again."
        )
        console.print(
            choose(english, "数据库中没有本版本的表，未作任何更改。请先运行 `market migrate`，再重试。"), markup=False
        )
        code = UNUSABLE
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
