"""Usage: events reported in full batches by a seller's system, until each is counted and durable."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from uuid import UUID

from bench.calibrate import constant_json
from bench.client import Client, repeat, run
from bench.growth import record_checkout
from bench.options import Options
from bench.population import Population, settle_statistics
from bench.processor_time import spent, usage
from bench.report import Method, Report, in_ms
from bench.stack import HOST, Stack, stack
from bench.template import Connection
from kernel import clock
from kernel.ids import uuid7
from marketplace.pricing.components import Metered, PlanPrice, Tier

BATCH, SENDERS, ENTITLEMENTS = 1_000, 4, 400
SECONDS = 20.0
GOAL_PER_S = 5_000.0
PRICE = PlanPrice(
    currency="CNY",
    interval="month",
    term_months=12,
    components=(
        Metered(kind="metered", dimension="calls", included=1_000, tiers=(Tier(up_to=None, unit_micro=3_500),)),
    ),
)
METHOD = Method(
    "POST /v1/usage in batches of 1,000 events of the present, spread over 100 entitlements a sender, over 4 kept-alive "
    "connections with an API session of the seller, 20 s after warming up; a second pass sends what was sent last again. Each "
    "answer comes after the commit: identifiers, events and sums by day are durable, alerts recorded. Afterwards the sums are "
    "held against the events that were accepted. Value: accepted events per second. At least 5,000 are wanted.",
    "以每批 1000 条当前时刻的事件请求 POST /v1/usage，每个发送方分散到 100 个权益，"
    "4 个长连接，使用卖方会话，预热后持续 20 秒；另以最后一批重复发送一轮。"
    "每次应答都在提交之后：标识、事件与按日合计均已持久，提醒已登记。"
    "结束后将合计与已接受的事件核对。数值为每秒接受的事件数，目标不低于 5000。",
)


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    with stack(options.port) as running, running.database() as connection:
        Population(connection, run(record_checkout(running, connection))).add(ENTITLEMENTS, "fulfillment.entitlement")
        seller, email, entitlements = _metered(connection)
        settle_statistics(connection)
        found = run(_rounds(running, email, entitlements))
        counted = _counted(connection, seller)
    broken = (
        [] if counted == (found["sent"],) * 3 else [f"{found['sent']} accepted, stored, events and days: {counted}"]
    )
    return Report(
        name="usage",
        value=found["events_per_s"],
        unit="events/s",
        method=METHOD,
        ratio=round(found["events_per_s"] / GOAL_PER_S, 3),
        ratio_of="of the 5,000 events/s that are wanted",
        details=found,
        broken=broken,
    )


async def _rounds(running: Stack, email: str, entitlements: list[UUID]) -> dict[str, Any]:
    senders = [Client(HOST, running.port) for _ in range(SENDERS)]
    accepted = 0
    last: dict[int, object] = {}
    for sender in senders:
        await sender.sign_in(email, running.password)

    async def send(number: int, *, again: bool = False) -> None:
        nonlocal accepted
        body = last[number] if again else _batch(entitlements[number::SENDERS])
        last[number] = body
        answer = json.loads(await senders[number].fetch("POST", "/v1/usage", body))
        if answer["refused"] or bool(answer["accepted"]) == again:
            raise RuntimeError(str(answer)[:300])
        accepted += answer["accepted"]

    first = [partial(send, number) for number in range(SENDERS)]
    await repeat(first, times=3)
    warm, before = accepted, usage(running.root)
    durations = await repeat(first, seconds=SECONDS)
    after = usage(running.root)
    fresh = accepted - warm
    repeated = await repeat([partial(send, number, again=True) for number in range(SENDERS)], times=5)
    constant = await constant_json(running, seconds=3, connections=SENDERS)
    for sender in senders:
        sender.close()
    return {
        "events_per_s": round(fresh / (after.at_s - before.at_s), 1),
        "sent": accepted,
        "batches": in_ms(durations),
        "batches_again": in_ms(repeated),
        "constant_json_per_s": round(constant, 1),
        **spent(before, after, fresh // BATCH),
    }


def _batch(entitlements: list[UUID]) -> dict[str, object]:
    time = clock.now().isoformat()
    names = [str(one) for one in entitlements]
    return {
        "events": [
            {
                "id": uuid7().hex,
                "time": time,
                "entitlement": names[number % len(names)],
                "dimension": "calls",
                "quantity": "1",
            }
            for number in range(BATCH)
        ]
    }


def _metered(connection: Connection) -> tuple[UUID, str, list[UUID]]:
    """Let all that one seller has sold be metered; who signs in for it."""
    row = connection.execute(
        """SELECT e.seller_org_id, p.email FROM fulfillment.entitlement e
           JOIN marketplace.member m ON m.org_id = e.seller_org_id JOIN marketplace.person p ON p.id = m.person_id
           WHERE e.state = 'active' ORDER BY e.created_at DESC LIMIT 1"""
    ).fetchone()
    assert row is not None  # noqa: S101 - the sample's checkout has just been delivered
    seller, email = row
    with connection.transaction():
        connection.execute("SELECT set_config('app.platform', 'on', true)")
        rows = connection.execute(
            """INSERT INTO fulfillment.metered_terms (id, buyer_org_id, seller_org_id, entitlement_id, price, units, created_at)
               SELECT gen_random_uuid(), buyer_org_id, seller_org_id, id, %s::jsonb, '{}', now()
               FROM fulfillment.entitlement WHERE seller_org_id = %s AND state = 'active'
               ORDER BY created_at DESC LIMIT %s RETURNING entitlement_id""",
            (PRICE.model_dump_json(), seller, ENTITLEMENTS),
        ).fetchall()
    return seller, email, [one[0] for one in rows]


def _counted(connection: Connection, seller: UUID) -> tuple[int, ...]:
    """Identifiers, events and what the days add up to."""
    row = connection.execute(
        """SELECT (SELECT count(*) FROM fulfillment.usage_key WHERE seller_org_id = %(seller)s),
                  (SELECT count(*) FROM fulfillment.usage_event WHERE seller_org_id = %(seller)s),
                  (SELECT sum(quantity)::bigint FROM fulfillment.usage_day WHERE seller_org_id = %(seller)s)""",
        {"seller": seller},
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return tuple(row)
