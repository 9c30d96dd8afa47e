"""Checkout over HTTP: quote → purchase → sandbox payment → paid, by eight buyers at once and by one alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.calibrate import calibration
from bench.client import Client, repeat, run
from bench.options import Options
from bench.processor_time import by_role, spent, usage
from bench.report import Method, Report, in_ms
from bench.stack import BUYER, HOST, Stack, stack

SECONDS, SECONDS_ALONE, WARM_UP_S = 20.0, 10.0, 3.0
BUYERS = 8
SEATS = 3
FIRST_PAUSE_S = 0.02
DELIVERED_WITHIN_S = 30.0
PAID = frozenset({"paid", "fulfilling", "active", "completed"})
"""What an answer says once the money is there."""
METHOD = Method(
    "8 buyers, then 1, then 8 while the processes that draw invoices are held, each over one kept-alive connection: "
    "POST /v1/quotes, POST /v1/purchases (sandbox payment); only when "
    "that answer does not say paid, GET /v1/purchases/{id} after 20 ms, 40 ms, 80 ms …; 20, 10 and 20 s after 3 s of warming up. "
    "Provisioning by the sample seller and numbering of invoices go on meanwhile, their drawing where not held. Product, seller, "
    "engines and client share the machine. CPU is counted by group; `path` is API, worker, scheduler, PostgreSQL and Valkey. "
    "Paid → active is read from the orders. Other cores: whatever else the machine did; above 0.1 the figures say little.",
    "先 8 个买方、后 1 个买方，再在暂停绘制发票的进程时 8 个买方，各用一个长连接："
    "POST /v1/quotes、POST /v1/purchases（沙箱支付）；"
    "仅当应答未显示已付款时，才在 20、40、"
    "80 毫秒……后请求 GET /v1/purchases/{id}；预热 3 秒后分别测 20、10、20 秒。期间照常由示例卖方开通、"
    "发票编号与绘制（第三轮暂停绘制）。"
    "产品、卖方、数据引擎与客户端同机运行。CPU 按组统计，path 为 API、worker、调度、PostgreSQL 与 Valkey 之和。"
    "付款至开通的时长取自订单。other_cores 为本机其他负载，超过 0.1 时数据参考意义不大。",
)
PEERS = {"Vendure": 12.3, "Saleor": 2.8, "Medusa": 2.4}
"""Checkouts per second that these did on such a machine."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Signed in, with the plan and the billing profile of its purchases."""

    client: Client
    plan_id: str
    quantity: int
    profile_id: str

    async def buy(self) -> dict[str, Any]:
        """One checkout; the purchase as it was when it was paid."""
        quote = await self.client.ask("POST", "/v1/quotes", {"plan_id": self.plan_id, "quantity": self.quantity})
        body = {"quote_id": quote["id"], "billing_profile_id": self.profile_id, "payment_method": "sbx_ok"}
        purchase: dict[str, Any] = await self.client.ask("POST", "/v1/purchases", body, key=True)
        pause_s = FIRST_PAUSE_S
        while purchase["state"] not in PAID:
            await asyncio.sleep(pause_s)
            pause_s *= 2
            purchase = await self.client.ask("GET", f"/v1/purchases/{purchase['id']}")
        return purchase


async def open_buyer(running: Stack) -> Buyer:
    """The sample buyer on a connection of its own."""
    client = Client(HOST, running.port)
    await client.sign_in(BUYER, running.password)
    cards: list[dict[str, Any]] = []
    cursor = ""
    # In a market of copies the first pages may show one film many times.
    while not cards:
        feed = await client.ask("GET", f"/v1/feed?limit=100{cursor}")
        cards = [card for item in feed["items"] for card in item["cards"] if card["pricing"] == "per_seat"]
        cursor = f"&cursor={feed['next_cursor']}"
    card = cards[0]
    profiles = await client.ask("GET", "/v1/billing-profiles")
    return Buyer(client, card["plan_id"], SEATS + card["min_seats"], profiles[0]["id"])


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    with stack(options.port) as running:
        found = calibration(running)
        together = run(_checkouts(running, BUYERS, SECONDS))
        alone = run(_checkouts(running, 1, SECONDS_ALONE))
        with drawing_held(running):
            without = run(_checkouts(running, BUYERS, SECONDS))
    rate = together["checkouts_per_s"]
    details = {
        f"{BUYERS} buyers": together,
        "1 buyer": alone,
        f"{BUYERS} buyers, drawing held": without,
        "times_best_peer": round(rate / max(PEERS.values()), 1),
        "share_of_bare_sql": round(rate / found["bare_sql_per_s"], 3),
    }
    return Report(
        name="checkout",
        value=rate,
        unit="checkouts/s",
        method=METHOD,
        ratio=rate / found["constant_json_per_s"],
        ratio_of="checkouts/s : constant JSON/s",
        calibration=found,
        details=details,
    )


async def _checkouts(running: Stack, buyers: int, seconds: float) -> dict[str, Any]:
    people = [await open_buyer(running) for _ in range(buyers)]
    steps = [person.buy for person in people]
    await repeat(steps, seconds=WARM_UP_S)
    with running.database() as connection:
        since = now_of(connection)
        before = usage(running.root)
        durations = await repeat(steps, seconds=seconds)
        after = usage(running.root)
        waits_s, left = await asyncio.to_thread(paid_to_active_s, connection, since)
    for person in people:
        person.client.close()
    return {
        "checkouts_per_s": round(len(durations) / (after.at_s - before.at_s), 2),
        "latency": in_ms(durations),
        "paid_to_active": in_ms(waits_s) | {"not_active": left},
        **spent(before, after, len(durations)),
    }


def now_of(connection: psycopg.Connection) -> Any:
    """The database's own instant, to which its rows' instants are comparable."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a select without FROM has one row
    return row[0]


def paid_to_active_s(connection: psycopg.Connection, since: Any) -> tuple[Sequence[float], int]:
    """How long each order placed after `since` waited for its delivery, and how many still do after some patience."""
    until = time.monotonic() + DELIVERED_WITHIN_S
    while True:
        rows = connection.execute(
            'SELECT extract(epoch FROM active_at - paid_at)::float FROM orders."order"'
            " WHERE created_at > %s AND paid_at IS NOT NULL",
            (since,),
        ).fetchall()
        waits_s = [row[0] for row in rows if row[0] is not None]
        if len(waits_s) == len(rows) or time.monotonic() > until:
            return waits_s, len(rows) - len(waits_s)
        time.sleep(0.2)


@contextmanager
def drawing_held(running: Stack) -> Iterator[None]:
    """Hold the processes that draw invoices: that work is off the checkout's path and has a queue of its own."""
    drawing = by_role(running.root).get("documents", [])
    for process in drawing:
        process.suspend()
    try:
        yield
    finally:
        for process in drawing:
            process.resume()
