"""Checkout over HTTP: quote → purchase → sandbox payment → paid, by eight buyers at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from bench.calibrate import calibration
from bench.house import Client, House, house, in_parallel
from bench.report import Report, percentile

SECONDS = 20.0
BUYERS = 8
SEATS = 3
FIRST_PAUSE_S = 0.02
METHOD = (
    "8 buyers, each over one kept-alive connection: POST /v1/quotes, POST /v1/purchases (sandbox payment), then GET "
    "/v1/purchases/{id} after 20 ms, 40 ms, 80 ms … until it is paid; 20 s after 3 s of warming up. Drawing invoices is "
    "paused meanwhile; provisioning, entitlements and numbering go on. API, worker, scheduler, seller, PostgreSQL, Valkey "
    "and the client share the machine. CPU is that of all product processes, engines included, per checkout. Ratio: "
    "checkouts per second over constant JSON answers per second of the same server in the same minute."
)
PEERS = {"Vendure": 12.3, "Saleor": 2.8, "Medusa": 2.4}
"""Checkouts per second that these did on such a machine."""


def measure() -> Report:
    """Measure on a house of its own."""
    with house() as running:
        found = calibration(running)
        buyers = [_buyer(running) for _ in range(BUYERS)]
        with drawing_paused():
            in_parallel(buyers, 3.0)
            before_s = _cpu_s()
            durations, took = in_parallel(buyers, SECONDS)
            cpu_s = _cpu_s() - before_s
    rate = len(durations) / took
    details = {
        "checkouts": len(durations),
        "p50_ms": round(percentile(durations, 0.5) * 1000, 1),
        "p99_ms": round(percentile(durations, 0.99) * 1000, 1),
        "cpu_ms_per_checkout": round(cpu_s * 1000 / len(durations), 1),
        "times_best_peer": round(rate / max(PEERS.values()), 1),
        "share_of_bare_sql": round(rate / found["bare_sql_per_s"], 3),
    }
    return Report("checkout", rate, "checkouts/s", found, rate / found["constant_json_per_s"], METHOD, details)


def _buyer(running: House) -> Callable[[], None]:
    client = Client(running.settings, "buyer@xinghe.example", running.password)
    video = client.ask("GET", "/v1/feed?limit=20")["items"]
    card = next(card for item in video for card in item["cards"] if card["pricing"] == "per_seat")
    profile = client.ask("GET", "/v1/billing-profiles")[0]["id"]

    def work() -> None:
        quote = client.ask("POST", "/v1/quotes", {"plan_id": card["plan_id"], "quantity": SEATS + card["min_seats"]})
        body = {"quote_id": quote["id"], "billing_profile_id": profile, "payment_method": "sbx_ok"}
        purchase = client.ask("POST", "/v1/purchases", body, key=True)
        pause_s = FIRST_PAUSE_S
        while purchase["state"] != "paid":
            time.sleep(pause_s)
            pause_s *= 2
            purchase = client.ask("GET", f"/v1/purchases/{purchase['id']}")

    return work


@contextmanager
def drawing_paused() -> Iterator[None]:
    """Hold the processes that draw invoices: that work is off the checkout's path and has a queue of its own."""
    renderers = [child for child in psutil.Process().children(recursive=True) if "documents" in child.cmdline()]
    for renderer in renderers:
        renderer.suspend()
    try:
        yield
    finally:
        for renderer in renderers:
            renderer.resume()


def _cpu_s() -> float:
    """CPU seconds so far of all processes below this one; the client's own are not in it."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
