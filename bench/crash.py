"""Crashes while people buy: every kind of process is killed again and again; afterwards nothing may be lost or doubled."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from app.commands.verify import check
from app.embedded.supervised_process import ProcessSpec, SupervisedProcess
from bench.crash_buyer import Buyer, Placed
from bench.options import Options
from bench.processor_time import by_role
from bench.report import Method, Report, in_ms
from bench.stack import Stack, environment, stack
from kernel.settings import Settings
from orders.progress import FINAL

BUYERS = 4
KILLS_A_MINUTE = 3.0
CALM_S = 180.0
"""How long what was under way at the last kill may take to come to its end. No promise is measured by it."""
PROMISED_S = 30.0
"""From paid to active at the 99th percentile, kills and all."""
SERVED_S = 60.0
TIMELY = "jobs.timely"
"""This rule is left to `come_to_rest`: documents are drawn with what the machine has to spare, which a run leaves little of."""
TARGETS = ("api", "worker", "scheduler", "documents", "backend", "postmaster", "valkey", "seller")
METHOD = Method(
    "4 buyers, each with one request at a time: quote, purchase by a random sandbox method, now and then a refund or a seat; "
    "one request in six is given up before its answer, and every one is repeated with its Idempotency-Key until answered. "
    "Meanwhile SIGKILL to a process at a random moment: every kind once before any is hit again. Afterwards, all "
    "being at rest: each acknowledged purchase is there once, no key made two, each order ended, at most one payment a purchase "
    "succeeded in the gateway's books, no answer but 503 was a server error, and `market verify`, the seller's own log included, "
    "finds nothing.",
    "4 个买方，各自每次一个请求：报价、以随机沙箱支付方式下单，偶尔退款或分配席位；六分之一的请求在收到应答前放弃，"
    "所有请求都以同一 Idempotency-Key 重试直至得到应答。期间在随机时刻以 SIGKILL 终止进程，每类进程轮流命中。"
    "静止后核对：每笔已确认的采购恰好存在一次，一个键不产生两笔，订单均已了结，网关账上每笔采购至多一次成功支付，"
    "除 503 外没有服务器错误，且 `market verify`（含卖方日志）无任何发现。",
)


def measure(options: Options) -> Report:
    """Run on a stack of its own; the report names whatever was lost, doubled, late or broken."""
    minutes = options.minutes if options.minutes is not None else options.kills / KILLS_A_MINUTE
    chance = random.Random(options.seed)  # noqa: S311 - repeatable, not secret
    with stack(options.port) as running, second_scheduler(running) as scheduler:
        buyers = [Buyer.open(running, chance.randrange(2**32)) for _ in range(BUYERS)]
        with buying(buyers) as failed:
            killed = kill(running, scheduler, chance, minutes * 60, options.kills, failed)
        left = come_to_rest(running, scheduler)
        placed = [one for buyer in buyers for one in buyer.placed]
        answers = sum((buyer.answers for buyer in buyers), Counter[int]())
        report = check(running.settings.model_copy(update=dict(running.addresses)), seller_logs=[seller_log(running)])
        broken = {
            found.name: found.found.examples[:2]
            for found in report.outcomes
            if found.found.violations and found.name != TIMELY
        }
        with running.database() as connection:
            rows = connection.execute(PURCHASES).fetchall()
            waits_s = [row[0] for row in connection.execute(WAITS).fetchall()]
            undrawn = [row[0] for row in connection.execute(WAITING_DOCUMENTS).fetchall()]
            paid_twice = [row[0] for row in connection.execute(PAID_TWICE).fetchall()]
        wrong = [
            *(f"buyer stopped: {error!r}" for error in failed),
            *missed(placed, {key: (count, purchase_id) for key, count, purchase_id in rows}),
            *(f"{what} is still {state}" for what, state in left),
            *(f"paid twice at the gateway: payment {payment}" for payment in paid_twice),
            *(f"{count} answers {status}" for status, count in answers.items() if status >= 500 and status != 503),
            *(f"verify {name}: {examples}" for name, examples in broken.items()),
        ]
        waits = in_ms(waits_s)
        if waits["p99_ms"] > PROMISED_S * 1000:
            wrong.append(f"paid → active took {waits['p99_ms']} ms at the 99th percentile")
        if sum(killed.values()) < options.kills:
            wrong.append(f"only {sum(killed.values())} of {options.kills} kills")
    return Report(
        name="crash",
        value=sum(killed.values()),
        unit="kills",
        method=METHOD,
        details={
            "seed": options.seed,
            "minutes": round(minutes, 1),
            "kills": dict(killed),
            "acknowledged_purchases": len(placed),
            "given_up_and_repeated": sum(buyer.repeated for buyer in buyers),
            "refunds": sum(buyer.refunds for buyer in buyers),
            "seats": sum(buyer.seats for buyer in buyers),
            "answers": {str(status): count for status, count in sorted(answers.items())},
            "paid_to_active": waits | {"longest_ms": round(max(waits_s) * 1000, 2)},
            "documents_yet_to_be_drawn": undrawn[0],
            "rules_verified": len(report.outcomes),
        },
        broken=wrong,
    )


PURCHASES = """
SELECT po_number, count(*), min(id::text) FROM orders.purchase WHERE po_number LIKE 'crash-%' GROUP BY po_number
"""
WAITS = """
SELECT extract(epoch FROM active_at - paid_at)::float
FROM orders."order" WHERE po_number LIKE 'crash-%' AND paid_at IS NOT NULL AND active_at IS NOT NULL
"""
UNDER_WAY = """
SELECT 'order ' || number, state FROM orders."order" o WHERE po_number LIKE 'crash-%%' AND NOT state = ANY(%s)
AND NOT (state = 'pending_payment' AND EXISTS (SELECT FROM billing.payment p WHERE p.reference = o.purchase_id)
    AND NOT EXISTS (SELECT FROM billing.payment p WHERE p.reference = o.purchase_id AND p.state <> 'failed'))
UNION ALL
SELECT 'job ' || kind || ' ' || id, state || ', ' || attempts || ' attempts ' || coalesce(last_error, '') FROM kernel.job
WHERE state = 'dead' OR (run_at <= now() AND queue <> 'documents')
"""
WAITING_DOCUMENTS = "SELECT count(*) FROM kernel.job WHERE queue = 'documents' AND state <> 'dead'"
PAID_TWICE = """
SELECT metadata->>'payment_id' FROM billing.sandbox_operation
WHERE kind = 'payment' AND state = 'succeeded' GROUP BY 1 HAVING count(*) > 1
"""


def missed(placed: Sequence[Placed], found: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    """Acknowledged purchases that are not there once under the id that was told, and keys that made two."""
    for one in placed:
        count, purchase_id = found.get(one.po_number, (0, ""))
        if (count, purchase_id) != (1, one.purchase_id):
            yield f"purchase {one.purchase_id} ({one.po_number}): {count} stored, {purchase_id}"
    yield from (f"{po_number}: {count} purchases" for po_number, (count, _) in found.items() if count > 1)


# ── buying and killing ───────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def buying(buyers: Sequence[Buyer]) -> Iterator[list[Exception]]:
    """The buyers go on until the context ends; then each finishes what it has begun. Holds what stopped one of them."""
    end, failed = threading.Event(), list[Exception]()

    def work(buyer: Buyer) -> None:
        try:
            while not end.is_set():
                buyer.go_on(end)
        except Exception as error:  # noqa: BLE001 - told in the report
            failed.append(error)

    threads = [threading.Thread(target=work, args=(buyer,)) for buyer in buyers]
    for thread in threads:
        thread.start()
    try:
        yield failed
    finally:
        end.set()
        for thread in threads:
            thread.join()


def kill(
    running: Stack,
    scheduler: SupervisedProcess,
    chance: random.Random,
    seconds: float,
    kills: int,
    failed: list[Exception],
) -> Counter[str]:
    """So many kills in so many seconds, each at a random moment of its share of the time; how often each target was hit.

    Ends early when a buyer has stopped.
    """
    killed: Counter[str] = Counter()
    begun_s, share_s = time.monotonic(), seconds / kills
    order: list[str] = []
    for number in range(kills):
        order = order or chance.sample(TARGETS, len(TARGETS))
        target, at_s = order.pop(), begun_s + (number + chance.random()) * share_s
        _wait(scheduler, lambda at_s=at_s: time.monotonic() >= at_s, seconds)  # type: ignore[misc]
        if failed:
            break
        # What is being started again has nothing to kill yet.
        if _wait(scheduler, lambda target=target: _kill_one(running, scheduler, chance, target), SERVED_S):  # type: ignore[misc]
            killed[target] += 1
    _wait(scheduler, lambda: time.monotonic() >= begun_s + seconds, 0.0 if failed else seconds)
    return killed


def _wait(scheduler: SupervisedProcess, condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether the condition came true in time. Meanwhile this process's own child is started again when it died."""
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            return False
        scheduler.watch()
        time.sleep(0.05)
    return True


def _kill_one(running: Stack, scheduler: SupervisedProcess, chance: random.Random, target: str) -> bool:
    """SIGKILL to one process of the kind; False when there is none."""
    if target == "scheduler":
        pids = [scheduler.pid] if scheduler.pid is not None else []
    else:
        pids = [process.pid for process in _processes(running, target)]
    if not pids:
        return False
    with suppress(psutil.NoSuchProcess):
        psutil.Process(chance.choice(pids)).send_signal(signal.SIGKILL)
        return True
    return False


def _processes(running: Stack, target: str) -> list[psutil.Process]:
    role = "postgres" if target in {"backend", "postmaster"} else target
    found = []
    for process in by_role(running.root).get(role, []):
        with suppress(psutil.Error):
            serves = "market_app" in process.cmdline()[0]
            if role != "postgres" or (serves if target == "backend" else "-D" in process.cmdline()):
                found.append(process)
    return found


@contextmanager
def second_scheduler(running: Stack) -> Iterator[SupervisedProcess]:
    """A scheduler in a process of its own, beside the one inside the worker: either takes over from the other."""
    told = environment(running.settings, running.addresses)
    spec = ProcessSpec("scheduler", ("-m", "app.cli", "scheduler"), told, hidden=_not_told(told))
    home = running.settings.market_home
    scheduler = SupervisedProcess(spec, home / "logs" / "second-scheduler.log", Path(home))
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.stop(5.0)


def _not_told(told: Mapping[str, str]) -> frozenset[str]:
    return frozenset(name.upper() for name in Settings.model_fields) - told.keys()


def come_to_rest(running: Stack, scheduler: SupervisedProcess) -> list[tuple[str, str]]:
    """Wait until every order has come to its end and no job but drawing is due; what has not after some patience."""
    left: list[tuple[Any, ...]] = []

    def at_rest() -> bool:
        nonlocal left
        with suppress(psycopg.Error), running.database() as connection:  # the server may be on its way back
            left = connection.execute(UNDER_WAY, (list(FINAL),)).fetchall()
            return not left
        return False

    _wait(scheduler, at_rest, CALM_S)
    return [(what, state) for what, state in left]


def seller_log(running: Stack) -> str:
    """Where the sample seller tells what it did."""
    return f"http://127.0.0.1:{running.settings.sample_seller_port}"
