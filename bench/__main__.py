"""`python -m bench NAME [--json]`: run one bench and print its report."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module

from app.console import choose, results
from bench.options import Options
from bench.report import Report, as_lines

NAMES = (
    "calibrate",
    "checkout",
    "coldstart",
    "crash",
    "feed",
    "growth",
    "idle",
    "invoices",
    "ledger",
    "live",
    "organizations",
    "reconcile",
    "renewals",
    "search",
    "settle",
    "touchpoints",
    "usage",
    "webhooks",
    "zip",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench that the command line names. Exits with 1 when something did not hold, with 2 for an unknown command line."""
    given = _parser().parse_args(arguments)
    measure: Callable[[Options], Report] = import_module(f"bench.{given.name}").measure
    report = measure(Options(**{name: value for name, value in vars(given).items() if name not in {"name", "json"}}))
    if given.json:
        sys.stdout.write(json.dumps(asdict(report), ensure_ascii=False) + "\n")
        return bool(report.broken)
    for line in as_lines(report):
        results.print(line, markup=False)
    return bool(report.broken)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=choose(
            "Run a benchmark and print its method, raw numbers, calibration of the same minute and the ratio.",
            "运行一项性能测试，输出方法、原始数据、同一分钟的校准值与比值。",
        ),
    )
    parser.add_argument("name", choices=NAMES, help=choose("what to measure", "测试项目"))
    parser.add_argument("--json", action="store_true", help=choose("print one JSON document", "输出一个 JSON 文档"))
    parser.add_argument(
        "--port", type=int, help=choose("the API's port; the seller's is the next", "接口端口；卖方系统用下一个")
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=5,
        help=choose("coldstart: how many starts; live: how many sales", "coldstart：启动次数；live：抢购次数"),
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=1_000_000,
        help=choose(
            "growth, search, reconcile: rows at the end; touchpoints: how many are counted",
            "growth、search、reconcile：最终行数；touchpoints：汇总的触点数",
        ),
    )
    parser.add_argument("--kills", type=int, default=30, help=choose("crash: how many kills", "crash：终止进程的次数"))
    parser.add_argument(
        "--minutes",
        type=float,
        help=choose("crash: how long; 3 kills a minute otherwise", "crash：时长；默认每分钟 3 次"),
    )
    parser.add_argument(
        "--seed", type=int, default=7, help=choose("crash: what chance is drawn from", "crash：随机种子")
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
