"""What the whole product costs while nobody is there: cores and memory of all its processes."""

from __future__ import annotations

import time

from bench.options import Options
from bench.processor_time import memory_mib, spent, usage
from bench.report import Method, Report
from bench.stack import stack

SETTLE_S, SECONDS = 15.0, 30.0
METHOD = Method(
    "All processes of `market up` with the sample market, 15 s after it was ready; the cores they use over 30 s without a "
    "request, by group. Memory at the end: RSS counts shared pages in every process, PSS divides them.",
    "`market up` 全部进程（含示例数据），就绪 15 秒后，在无请求的 30 秒内按组统计所用核数。最后统计内存："
    "RSS 重复计入共享页，PSS 按比例分摊。",
)


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    with stack(options.port) as running:
        time.sleep(SETTLE_S)
        before = usage(running.root)
        time.sleep(SECONDS)
        after = usage(running.root)
        memory = memory_mib(running.root)
    cores = sum(used - before.cpu_s.get(role, 0.0) for role, used in after.cpu_s.items()) / (after.at_s - before.at_s)
    details = {"ready_after_s": round(running.ready_after_s, 2), **spent(before, after), "memory_mib": memory}
    return Report(name="idle", value=cores, unit="cores", method=METHOD, details=details)
