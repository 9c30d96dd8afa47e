"""What this machine does in this minute: a constant JSON answer of the same server, and the same rows by bare SQL."""

from __future__ import annotations

import threading
import time

from bench.client import Client, repeat, run
from bench.options import Options
from bench.report import Method, Report
from bench.stack import HOST, Stack, stack

SECONDS = 4.0
CONNECTIONS = 8
ROWS = 22
METHOD = Method(
    "Constant JSON: GET /healthz over 8 kept-alive connections for 4 s. Bare SQL: 8 connections, each transaction inserts 22 "
    "rows (a table of like width) and commits, for 4 s. Client, server and database share the machine.",
    "恒定 JSON：8 个长连接请求 GET /healthz，持续 4 秒。裸 SQL：8 个连接，每个事务插入 22 行（"
    "宽度相近的表）并提交，持续 4 秒。"
    "客户端、服务端与数据库同机运行。",
)


def measure(options: Options) -> Report:
    """Calibrate on a stack of its own."""
    with stack(options.port) as running:
        found = calibration(running)
    return Report(
        name="calibrate",
        value=found["constant_json_per_s"],
        unit="requests/s",
        method=METHOD,
        calibration=found,
    )


def calibration(running: Stack) -> dict[str, float]:
    """Both figures, per second."""
    return {"constant_json_per_s": run(constant_json(running)), "bare_sql_per_s": bare_sql(running)}


async def constant_json(running: Stack, *, seconds: float = SECONDS, connections: int = CONNECTIONS) -> float:
    """Constant answers per second of the running API."""
    clients = [Client(HOST, running.port) for _ in range(connections)]
    steps = [lambda client=client: client.fetch("GET", "/healthz") for client in clients]
    await repeat(steps, times=20)
    begun = time.monotonic()
    durations = await repeat(steps, seconds=seconds)
    took = time.monotonic() - begun
    for client in clients:
        client.close()
    return len(durations) / took


def bare_sql(running: Stack) -> float:
    """Transactions per second of `ROWS` inserted rows each, on the stack's own server."""
    with running.database() as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS bench_mark (id bigint, at timestamptz, body text)")
    done: list[int] = []
    until = time.monotonic() + SECONDS

    def work() -> None:
        count = 0
        with running.database() as connection:
            while time.monotonic() < until:
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.executemany("INSERT INTO bench_mark VALUES (%s, now(), %s)", [(count, "x" * 300)] * ROWS)
                count += 1
        done.append(count)

    begun = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - begun)
