"""What size costs: checkout, feed, entitlement check and invoice list at 10⁴ and at 10⁶ rows of each table they read or write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bench.checkout import Buyer, now_of, open_buyer, paid_to_active_s
from bench.client import repeat, run
from bench.options import Options
from bench.population import Population, settle_statistics
from bench.report import Method, Report, percentile
from bench.stack import Stack, stack
from bench.template import Connection, Recording, Template, published_videos

SMALL = 10_000
VIDEOS = 100_000
"""The most videos that are made: a market has fewer of them than sales."""
BETWEEN = 100_000
"""Numbers left free between the two sizes: what is measured in between takes document numbers, too."""
GOAL = 1.5
MANY = 50
"""Rows of one table read for one unit of work; fewer are not worth telling."""
REPORTED_AFTER_S = 11.0
"""An idle process of PostgreSQL reports its counts after ten seconds."""
QUIET_S, QUIET_WITHIN_S = 2.0, 180.0
CONSTANT = "constant JSON"
TIMES = {"checkout": 60, "feed": 60, "entitlement check": 200, "invoice list": 200, CONSTANT: 200}
"""How often each work is done. The last is no work of the product: it tells whether the machine was the same."""
METHOD = Method(
    "One checkout of the sample buyer, delivered and drawn, and the sample's published videos are copied set-based (INSERT … "
    "SELECT generate_series, session_replication_role = replica) until each has 10⁴ rows, then 10⁶ (another number with --rows): "
    "purchases, orders with lines, payments, charges, shares, entitlements, invoices with lines, ledger transactions with "
    "postings, jobs, state histories, events and whatever else a checkout leaves, all of one buyer and one seller, which is the "
    "hardest case (a table of which a checkout leaves several rows gets as many rows as the others, not more); videos with cards "
    "and claims up to 10⁵. Then VACUUM (ANALYZE), and one client does each work 60 to 200 times. Ratio: "
    "median at the larger over median at the smaller size, the worst of the four; at most 1.5 is wanted.",
    "将示例买方的一次完整下单（已开通、已绘制发票）及示例已发布视频以集合方式复制（INSERT … SELECT generate_series，"
    "session_replication_role = replica），直至各有 10⁴ 行，再到 10⁶ 行（可用 --rows 更改）：采购、"
    "订单及明细、支付、收费、分成、权益、"
    "发票及明细、总账及分录、任务、状态历史、事件等下单产生的全部行，均属同一买方与同一卖方，"
    "即最苛刻的情形（一次下单留下多行的表，总行数与其他表相同）；以及最多 10⁵ 个视频及其商品卡与承诺。"
    "随后 VACUUM (ANALYZE)，由一个客户端将每项操作执行 60 至 200 次。比值为大规模与小规模中位数之比，"
    "取四项中最差者，目标不超过 1.5。",
)
Works = Mapping[str, Callable[[], Awaitable[object]]]


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    small = min(SMALL, options.rows)
    with stack(options.port) as running, running.database() as connection:
        order, videos = run(record_checkout(running, connection)), published_videos(connection)
        orders, catalogue = Population(connection, order), Population(connection, videos)
        before = _grow(connection, orders, catalogue, small, first=1)
        before |= run(_medians(running))
        after = _grow(connection, orders, catalogue, options.rows - small, first=small + BETWEEN)
        after |= run(_medians(running, connection))
    ratios = {name: round(after["p50_ms"][name] / before["p50_ms"][name], 3) for name in TIMES}
    worst = max(ratio for name, ratio in ratios.items() if name != CONSTANT)
    details = {
        "rows_per_checkout": orders.rows_per_copy(),
        f"at {small} rows": before,
        f"at {options.rows} rows": after,
        "ratios": ratios,
        "goal": f"each at most {GOAL}: " + ("met" if worst <= GOAL else "missed"),
    }
    return Report(
        name="growth",
        value=worst,
        unit="times the time",
        method=METHOD,
        ratio=worst,
        ratio_of=f"median at {options.rows} rows : median at {small} rows, the worst of four",
        details=details,
    )


def _grow(
    connection: Connection, orders: Population, catalogue: Population, rows: int, *, first: int
) -> dict[str, Any]:
    begun_s, made_s = time.monotonic(), 0.0
    if rows > 0:
        orders.copy(first, first + rows, at_most=rows)
        catalogue.add(min(rows, VIDEOS), "marketplace.video", first=first)
        made_s = time.monotonic() - begun_s
        settle_statistics(connection)
    size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert size is not None  # noqa: S101 - a select without FROM has one row
    return {
        "made_in_s": round(made_s, 1),
        "vacuumed_in_s": round(time.monotonic() - begun_s - made_s, 1),
        "database_mib": round(size[0] / 2**20),
    }


async def record_checkout(running: Stack, connection: Connection) -> Template:
    """Buy once, so that accounts and number series exist; buy again, and take what that left behind."""
    buyer = await open_buyer(running)
    await buyer.buy()
    await asyncio.to_thread(wait_until_quiet, connection)
    recording = Recording(connection)
    await buyer.buy()
    await asyncio.to_thread(wait_until_quiet, connection)
    buyer.client.close()
    return recording.template()


def wait_until_quiet(connection: Connection) -> None:
    """Until all is delivered, numbered, drawn and settled, and no row has been written anywhere for a while.

    Raises TimeoutError when it goes on.
    """
    until = time.monotonic() + QUIET_WITHIN_S
    last, since_s = None, time.monotonic()
    while time.monotonic() - since_s < QUIET_S:
        if time.monotonic() > until:
            raise TimeoutError("the product does not come to rest")
        row = connection.execute(
            "SELECT (SELECT count(*) FROM kernel.job), (SELECT count(*) FROM kernel.state_history),"
            " (SELECT count(*) FROM billing.invoice WHERE pdf_key IS NULL),"
            ' (SELECT count(*) FROM orders."order" WHERE active_at IS NULL),'
            " (SELECT count(*) FROM kernel.inbox WHERE state = 'received')"
        ).fetchone()
        assert row is not None  # noqa: S101 - a select without FROM has one row
        if row != last or any(row[2:]):
            last, since_s = row, time.monotonic()
        time.sleep(0.1)


async def _medians(running: Stack, watched: Connection | None = None) -> dict[str, Any]:
    """Each work by one client, after a tenth of it to warm up; with `watched`, also the tables of which each reads most."""
    buyer = await open_buyer(running)
    medians: dict[str, float] = {}
    reads: dict[str, dict[str, int]] = {}
    with running.database() as connection:
        since = now_of(connection)
        for name, work in (await _works(buyer)).items():
            await repeat([work], times=TIMES[name] // 10)
            before = await _rows_read(watched)
            medians[name] = round(percentile(await repeat([work], times=TIMES[name]), 0.5) * 1000, 2)
            after = await _rows_read(watched)
            reads[name] = {
                table: (count - before.get(table, 0)) // TIMES[name]
                for table, count in after.items()
                if (count - before.get(table, 0)) // TIMES[name] >= MANY
            }
        waits_s, left = paid_to_active_s(connection, since)
    buyer.client.close()
    active_ms = round(percentile(waits_s, 0.5) * 1000, 2)
    found = {"p50_ms": medians, "paid_to_active_p50_ms": active_ms, "not_active": left}
    return found | ({"rows_read_per_unit": reads} if watched else {})


async def _rows_read(connection: Connection | None) -> dict[str, int]:
    """Rows that scans and indexes have read until now, by table; after the servers' processes have reported theirs."""
    if connection is None:
        return {}
    await asyncio.sleep(REPORTED_AFTER_S)
    return dict(
        connection.execute(
            "SELECT schemaname || '.' || relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
        ).fetchall()
    )


async def _works(buyer: Buyer) -> Works:
    entitlement = (await buyer.client.ask("GET", "/v1/entitlements?limit=20"))["items"][-1]["id"]
    return {
        "checkout": buyer.buy,
        "feed": lambda: buyer.client.fetch("GET", "/v1/feed?limit=20"),
        "entitlement check": lambda: buyer.client.fetch("GET", f"/v1/entitlements/check?entitlement_id={entitlement}"),
        CONSTANT: lambda: buyer.client.fetch("GET", "/healthz"),
        "invoice list": lambda: buyer.client.fetch("GET", "/v1/invoices?limit=20"),
    }
