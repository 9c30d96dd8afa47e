"""Renewals: ten thousand subscriptions whose renewal falls due at one instant, until the last one is paid for."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

from bench.client import run
from bench.growth import record_checkout
from bench.options import Options
from bench.population import Population, settle_statistics
from bench.report import Method, Report
from bench.stack import Stack, stack
from bench.template import Connection

DUE = 10_000
GOAL_S = 300.0
WITHIN_S = 900.0
METHOD = Method(
    "One checkout of the sample buyer, delivered and drawn, is copied set-based 10,000 times (purchases, orders, payments, "
    "entitlements, subscriptions with their term and all the rest); the sample seller has a tenant for each. Then all of them "
    "are switched to renew and made due at one instant, the end of their term a day away. The product does the rest alone: "
    "scheduler, worker, sandbox gateway, seller. Value: seconds from that instant until the last one's order is active, its "
    "term begun, its charge and its invoice made. None may be renewed twice. At most 300 s are wanted.",
    "将示例买方的一次完整下单以集合方式复制 10,000 份（采购、订单、支付、权益、订阅及其周期等全部行），"
    "示例卖方系统中各有对应租户；随后全部开启自动续订并在同一时刻到期续订（周期还剩一天）。其余由产品自行完成：调度器、工作进程、"
    "沙箱支付网关与卖方系统。数值为从该时刻到最后一个续订订单生效（新周期、收费与发票均已产生）的秒数。"
    "不得有任何订阅续订两次。目标不超过 300 秒。",
)


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    with stack(options.port) as running, running.database() as connection:
        population = Population(connection, run(record_checkout(running, connection)))
        population.add(DUE, "orders.subscription")
        _tell_seller(running, connection)
        settle_statistics(connection)
        begun_s = time.monotonic()
        _make_due(connection)
        passed: list[dict[str, float]] = []
        while (state := _state(connection))["active"] < DUE and time.monotonic() - begun_s < WITHIN_S:
            passed.append({"s": round(time.monotonic() - begun_s, 1), **state})
            time.sleep(1.0)
        took_s = time.monotonic() - begun_s
    twice = state["renewals"] - state["subscriptions"]
    broken = [f"{twice} renewed twice"] if twice else []
    if state["active"] < DUE:
        broken.append(f"{DUE - state['active']} not renewed after {WITHIN_S:.0f} s")
    return Report(
        name="renewals",
        value=round(took_s, 1),
        unit="s",
        method=METHOD,
        ratio=round(took_s / GOAL_S, 3),
        ratio_of="of the 300 s that are wanted",
        details={"renewed": state, "per_s": round(DUE / took_s, 1), "on_the_way": passed[:: max(1, len(passed) // 10)]},
        broken=broken,
    )


def _tell_seller(running: Stack, connection: Connection) -> None:
    """The sample seller has a tenant for each copy, as it has for what was copied: it is told of every new term."""
    copies = connection.execute("SELECT id::text FROM fulfillment.entitlement WHERE state = 'active'").fetchall()
    with closing(sqlite3.connect(running.settings.market_home / "seller" / "seller.sqlite3")) as store:
        store.row_factory = sqlite3.Row
        told = [dict(one) for one in store.execute("SELECT * FROM instance")]
        known = {one["entitlement_id"] for one in told}
        first = max(told, key=lambda one: one["created_at"])
        names, places = ", ".join(first), ", ".join("?" * len(first))
        rows = [
            tuple((first | {"entitlement_id": one, "tenant_id": f"t-{one}"}).values())
            for (one,) in copies
            if one not in known
        ]
        store.executemany(f"INSERT INTO instance ({names}) VALUES ({places})", rows)  # noqa: S608 - its own names
        store.commit()


def _make_due(connection: Connection) -> None:
    """All of them at one instant; what they give ends with their term."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            """WITH due AS (
                   UPDATE orders.subscription SET auto_renew = true, next_step_at = now(), ends_at = now() + interval '1 day'
                   WHERE state = 'active' RETURNING id, order_line_id, ends_at
               ), terms AS (
                   UPDATE orders.subscription_term t SET ends_at = due.ends_at FROM due WHERE t.subscription_id = due.id
               )
               UPDATE fulfillment.entitlement e SET valid_to = due.ends_at FROM due WHERE e.reference = due.order_line_id"""
        )


def _state(connection: Connection) -> dict[str, Any]:
    row = connection.execute(
        """SELECT count(*), count(DISTINCT o.subscription_id),
                  count(*) FILTER (WHERE o.state = 'active' AND i.id IS NOT NULL AND t.id IS NOT NULL)
           FROM orders."order" o
           LEFT JOIN billing.invoice i ON i.reference = o.id AND i.kind = 'invoice'
           LEFT JOIN orders.order_line l ON l.order_id = o.id
           LEFT JOIN orders.subscription_term t ON t.order_line_id = l.id
           WHERE o.subscription_id IS NOT NULL"""
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return dict(zip(("renewals", "subscriptions", "active"), row, strict=True))
