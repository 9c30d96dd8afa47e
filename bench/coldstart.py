"""How long until it serves: the API process by itself, and `market up` on an empty folder."""

from __future__ import annotations

import signal
import statistics
import sys
import time
from pathlib import Path

from app.embedded.child_process import end_child, read_log_end, start_child
from app.process_plan import answers_ready
from bench.options import Options
from bench.report import Method, Report
from bench.stack import HOST, Stack, environment, free_port, stack

READY_TIMEOUT_S = 60.0
METHOD = Method(
    "`market serve` as a new process beside a running product, from its start until GET /readyz answers 200; the median of the "
    "runs. `market up` on an empty folder, from its start until it prints its address: engines, migrations, sample market and "
    "all processes. Files are in the system's cache.",
    "在运行中的产品旁新启动 `market serve` 进程，从启动到 GET /readyz 返回 200，取多次中位数。"
    "`market up` 在空目录中从启动到输出地址："
    "包括数据引擎、结构迁移、示例数据与全部进程。文件均在系统缓存中。",
)


def measure(options: Options) -> Report:
    """Measure on stacks of its own: one more than half as many as API starts, at most three."""
    ups_s: list[float] = []
    serves_s: list[float] = []
    for _ in range(min(3, 1 + options.runs // 2)):
        with stack(options.port) as running:
            ups_s.append(running.ready_after_s)
            if not serves_s:
                time.sleep(5.0)  # what the start left to do is no part of the API's own start
                serves_s = [_serve_s(running) for _ in range(options.runs)]
    details = {
        "serve_s": [round(value, 2) for value in serves_s],
        "up_on_empty_folder_s": [round(value, 2) for value in ups_s],
        "up_on_empty_folder_median_s": round(statistics.median(ups_s), 2),
    }
    return Report(name="coldstart", value=statistics.median(serves_s), unit="s", method=METHOD, details=details)


def _serve_s(running: Stack) -> float:
    settings = running.settings.model_copy(update={"port": free_port()})
    log = running.settings.market_home / "serve-again.log"
    command = [sys.executable, "-m", "app.cli", "serve"]
    begun_s = time.monotonic()
    process = start_child(command, log=log, folder=Path.cwd(), environment=environment(settings, running.addresses))
    try:
        while not answers_ready(HOST, settings.port):
            if process.poll() is not None or time.monotonic() - begun_s > READY_TIMEOUT_S:
                raise RuntimeError(f"the API did not come up:\n{read_log_end(log)}")
            time.sleep(0.01)
        return time.monotonic() - begun_s
    finally:
        end_child(process, [(signal.SIGTERM, 10.0)])
