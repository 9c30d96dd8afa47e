"""What this machine does in this minute: a constant JSON answer of the same server, and the same rows by bare SQL."""

from __future__ import annotations

import threading
import time

import psycopg
from sqlalchemy.engine import make_url

from bench.house import Client, House, house, in_parallel
from bench.report import Report
from kernel.settings import Settings

SECONDS = 4.0
CONNECTIONS = 8
METHOD = (
    "Constant JSON: GET /healthz over 8 kept-alive connections for 4 s. Bare SQL: 8 connections, each transaction inserts "
    "the 22 rows that one checkout leaves (a table of like width), commits, for 4 s. Client, server and database share the "
    "machine."
)
ROWS = 22


def measure() -> Report:
    """Calibrate on a house of its own."""
    with house() as running:
        found = calibration(running)
    return Report("calibrate", found["constant_json_per_s"], "requests/s", found, 1.0, METHOD)


def calibration(running: House) -> dict[str, float]:
    """Both figures, per second."""
    clients = [Client(running.settings) for _ in range(CONNECTIONS)]
    calls, took = in_parallel([lambda c=client: c.ask("GET", "/healthz") for client in clients], SECONDS)  # type: ignore[misc]
    return {"constant_json_per_s": len(calls) / took, "bare_sql_per_s": bare_sql(running.settings)}


def bare_sql(settings: Settings) -> float:
    """Transactions per second of `ROWS` inserted rows each, on the house's own server."""
    assert settings.database_admin_url is not None  # noqa: S101 - embedded engines name it
    address = make_url(settings.database_admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("CREATE UNLOGGED TABLE IF NOT EXISTS bench_mark (id bigint, at timestamptz, body text)")
        owner.execute("ALTER TABLE bench_mark SET LOGGED")
    done: list[int] = []
    until = time.monotonic() + SECONDS

    def work() -> None:
        count = 0
        with psycopg.connect(address, autocommit=True) as connection:
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
