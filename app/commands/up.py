"""`market up`: the whole product on one machine."""

import os
import time
from contextlib import ExitStack
from functools import partial

from rich.markup import escape
from rich.table import Table

from app.console import choose, console, results
from app.embedded.engine_error import EngineError
from app.embedded.engines import running_engines
from app.embedded.supervisor import StartFailed, Stopped, Supervisor
from app.process_plan import ProcessPlan, read_outcome, write_history_progress, write_outcome
from app.startup import collection_paused
from kernel.settings import Settings, load_settings

NICE = 10
"""How far the making of a past stands back behind requests and their jobs."""


def run(*, sample: bool) -> int:
    """Start everything, print where it is, and keep it running until Ctrl-C or SIGTERM."""
    settings = load_settings()
    if settings.is_production:
        raise EngineError(
            "`market up` is the sandbox on one machine. In production run `market migrate` once, then `market serve`, "
            "`market worker`, `market worker --queue documents` and `market scheduler` as processes of their own.",
            "`market up` 是单机沙箱。生产环境请先运行一次 `market migrate`，再分别运行 `market serve`、"
            "`market worker`、`market worker --queue documents` 与 `market scheduler` 进程。",
        )
    begun_s = time.monotonic()
    progress = _Progress()
    supervisor = Supervisor(settings, progress.tell, ProcessPlan(settings, sample))
    with ExitStack() as stack:
        try:
            stack.enter_context(supervisor)
            progress.finish()
        except Stopped:
            console.print(_stopped())
            return 130
        except StartFailed as failure:
            console.print(choose(failure.en, failure.zh), markup=False)
            return 1
        _print_ready(settings, time.monotonic() - begun_s, sample=sample)
        supervisor.watch()
        console.print(choose("Stopping: finishing what is under way", "正在停止：等待进行中的工作完成"))
    console.print(_stopped())
    return 0


def seed_sample() -> int:
    """Fill the database with the sample market and keep its sign-ins for `market up` to print. Idempotent."""
    with running_engines() as settings:
        from app.sample.seed import seed

        write_outcome(settings, seed(settings))
    return 0


def live_history() -> int:
    """Let the sample market live through its past, at low priority, then draw that past's documents. Idempotent."""
    os.nice(NICE)
    with running_engines() as settings:
        if settings.is_production or settings.sample_history == "off":
            return 0
        with collection_paused():
            from app.sample.history.command import run
        run(settings, partial(write_history_progress, settings))
    return 0


class _Progress:
    """One line per step of the start, with its seconds once it is done; afterwards, one line per event.

    Without a spinner, whose thread would keep the supervisor from forking.
    """

    def __init__(self) -> None:
        self._starting = True
        self._step = ""
        self._since_s = 0.0

    def tell(self, en: str, zh: str) -> None:
        """A new step begins, or, after the start, something happened."""
        if not self._starting:
            console.print(choose(en, zh), markup=False)
            return
        self._end_step()
        self._step, self._since_s = choose(en, zh), time.monotonic()
        if console.is_terminal:
            console.print(f"[dim]…[/dim] {escape(self._step)}", end="\r")

    def finish(self) -> None:
        """The start is complete."""
        self._end_step()
        self._starting = False

    def _end_step(self) -> None:
        if self._step:
            console.print(f"[green]✓[/green] {escape(self._step)}  [dim]{time.monotonic() - self._since_s:.1f} s[/dim]")
        self._step = ""


def _print_ready(settings: Settings, seconds: float, *, sample: bool) -> None:
    results.print()
    results.print(
        choose(f"[bold]Ready in {seconds:.1f} s[/bold]", f"[bold]已就绪，用时 {seconds:.1f} 秒[/bold]")
        + f"  →  [bold cyan]{settings.public_url}[/bold cyan]"
    )
    places = Table.grid(padding=(0, 2))
    places.add_row(choose("API reference", "接口文档"), f"{settings.public_url}/docs/api")
    if sample:
        places.add_row(choose("Sample seller", "示例卖方系统"), f"http://127.0.0.1:{settings.sample_seller_port}")
    places.add_row(choose("Data and logs", "数据与日志"), str(settings.market_home))
    results.print(places)
    sign_ins = read_outcome(settings).sign_ins
    if sign_ins:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in (choose("Sign in as", "登录身份"), choose("e-mail", "邮箱"), choose("password", "密码")):
            table.add_column(heading)
        for item in sign_ins:
            table.add_row(choose(item.who_en, item.who_zh), item.email, item.password)
        results.print()
        results.print(table)
    results.print()
    results.print(choose("Ctrl-C stops everything.", "按 Ctrl-C 停止全部服务。"))


def _stopped() -> str:
    return choose("Stopped; nothing is left running.", "已停止，没有遗留任何进程。")
