"""Touchpoints: reported in full batches by many players until each is durable; and a mass of them counted by day."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from bench.books import books
from bench.calibrate import constant_json
from bench.client import Client, repeat, run
from bench.options import Options
from bench.processor_time import spent, usage
from bench.report import Method, Report, in_ms
from bench.stack import BUYER, HOST, Stack, connect_superuser, stack
from bench.template import Connection
from kernel import clock
from kernel.db.uow import transact
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.attribution.count_touchpoints import count_until

BATCH, PLAYERS, SECONDS = 100, 8, 20.0
GOAL_PER_S = 5_000.0
COUNTED_PER_S: Final = 10_000_000 / 120
"""Ten million in two minutes."""
VIDEOS, DAYS = 2_000, 30
METHOD = Method(
    "POST /v1/touchpoints in batches of 100 events (views and clicks of the sample market's cards), over 8 kept-alive "
    "connections, half of them signed in, 20 s after warming up. Each answer comes after the commit; afterwards what is stored "
    "is held against what was accepted. Then, on engines alone, --rows touchpoints of 2,000 videos and 30 days are made "
    "set-based, and the product's sweep counts them by day, card, share link and five seconds; the sum is held against the "
    "rows. Value: accepted events per second; at least 5,000 are wanted, and 10⁷ counted in less than 2 minutes.",
    "以每批 100 条事件（示例市场商品卡的观看与点击）请求 POST /v1/touchpoints，8 个长连接，其中一半已登录，预热后持续 20 秒。"
    "每次应答都在提交之后；结束后将已存储与已接受的数量核对。随后仅启动引擎，以集合方式生成 --rows 条触点"
    "（2000 个视频、30 天），由产品的定时任务按日、商品卡、分享链接与每五秒汇总，并与行数核对。"
    "数值为每秒接受的事件数，目标不低于 5000；一千万条汇总须在 2 分钟内完成。",
)
_MADE = """
    INSERT INTO marketplace.touchpoint (id, occurred_at, anonymous_id, kind, channel_org_id, video_id, placement_id, second_ms,
        watched_ms, share_link_id, sharer_org_id, received_at)
    SELECT gen_random_uuid(), at, 'made', kind, md5('o' || v %% 200)::uuid, md5('v' || v)::uuid,
           CASE kind WHEN 'card_click' THEN md5('p' || v)::uuid END,
           CASE kind WHEN 'impression' THEN 0 ELSE 1000 * (n %% 60) END, CASE kind WHEN 'view' THEN 1000 * (n %% 60) ELSE 0 END,
           CASE v %% 20 WHEN 0 THEN md5('s' || v)::uuid END, CASE v %% 20 WHEN 0 THEN md5('h' || v)::uuid END, at
    FROM (SELECT n, n * 7919 %% %(videos)s AS v, %(since)s::timestamptz + n * (%(days)s * interval '1 day' / %(rows)s) AS at,
                 (ARRAY['impression', 'impression', 'impression', 'view', 'view', 'card_click'])[1 + n %% 6] AS kind
          FROM generate_series(%(from)s::bigint, %(to)s::bigint) n) made
"""
"""Every sixth is a click on a card, and each came in as it happened."""
_CARDS = """
    INSERT INTO marketplace.placement (id, org_id, video_id, seller_org_id, listing_id, plan_id, start_ms, end_ms, action,
        position, created_at)
    SELECT md5('p' || v)::uuid, md5('o' || v %% 200)::uuid, md5('v' || v)::uuid, md5('o' || v %% 200)::uuid, gen_random_uuid(),
           gen_random_uuid(), 0, 60000, 'buy', 0, now()
    FROM generate_series(0, %s - 1) v
"""
_AT_ONCE: Final = 200_000


def measure(options: Options) -> Report:
    """Measure on a stack of its own, then on engines alone."""
    with stack(options.port) as running, running.database() as connection:
        before = _stored(connection)
        found = run(_rounds(running, _shown(connection)))
        stored = _stored(connection) - before
    found["rollup"] = rollup = _counted(options.rows)
    broken = [f"{found['sent']} accepted, {stored} stored"] if stored != found["sent"] else []
    if rollup["counted"] != options.rows:
        broken.append(f"{rollup['counted']} of {options.rows} counted")
    return Report(
        name="touchpoints",
        value=found["events_per_s"],
        unit="events/s",
        method=METHOD,
        ratio=round(min(found["events_per_s"] / GOAL_PER_S, rollup["rows_per_s"] / COUNTED_PER_S), 3),
        ratio_of="of 5,000 events/s, or of 10⁷ counted in 2 minutes, the lesser",
        details=found,
        broken=broken,
    )


async def _rounds(running: Stack, shown: list[tuple[UUID, UUID]]) -> dict[str, Any]:
    players = [Client(HOST, running.port) for _ in range(PLAYERS)]
    for player in players[::2]:
        await player.sign_in(BUYER, running.password)
    accepted = 0

    async def report(player: Client, number: int) -> None:
        nonlocal accepted
        answer = json.loads(await player.fetch("POST", "/v1/touchpoints", _batch(shown, number)))
        if answer["accepted"] != BATCH:
            raise RuntimeError(str(answer)[:300])
        accepted += BATCH

    steps = [partial(report, player, number) for number, player in enumerate(players)]
    await repeat(steps, times=3)
    warm, before = accepted, usage(running.root)
    durations = await repeat(steps, seconds=SECONDS)
    after, fresh = usage(running.root), accepted - warm
    constant = await constant_json(running, seconds=3, connections=PLAYERS)
    for player in players:
        player.close()
    return {
        "events_per_s": round(fresh / (after.at_s - before.at_s), 1),
        "sent": accepted,
        "batches": in_ms(durations),
        "constant_json_per_s": round(constant, 1),
        **spent(before, after, fresh // BATCH),
    }


def _batch(shown: list[tuple[UUID, UUID]], player: int) -> dict[str, object]:
    at = clock.now().isoformat()
    events: list[dict[str, object]] = []
    for number in range(BATCH):
        video_id, placement_id = shown[(number + player) % len(shown)]
        event = {"id": str(uuid7()), "occurred_at": at, "video_id": str(video_id), "second": number % 30}
        clicked: dict[str, object] = {"kind": "card_click", "placement_id": str(placement_id)}
        events.append(
            {**event, **(clicked if number % 5 == 0 else {"kind": "view", "watched_ms": 1000 * (number % 30)})}
        )
    return {"events": events, "anonymous_id": f"player{player}"}


def _shown(connection: Connection) -> list[tuple[UUID, UUID]]:
    """Public videos, each with one of its cards."""
    rows = connection.execute(
        """SELECT DISTINCT ON (v.id) v.id, p.id FROM marketplace.video v
           JOIN marketplace.placement p ON p.video_id = v.id AND p.removed_at IS NULL
           WHERE v.state = 'published' AND v.visibility = 'public' ORDER BY v.id, p.id"""
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def _stored(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM marketplace.touchpoint").fetchone()
    assert row is not None  # noqa: S101 - a count has a row
    return int(row[0])


def _counted(rows: int) -> dict[str, Any]:
    """Make so many, and count them as the product does."""
    with books() as made, connect_superuser(made.admin_url) as connection:
        since = clock.now()
        with connection.transaction():
            # Of cards nothing but whose they are is looked up.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(_CARDS, (VIDEOS,))
        for first in range(0, rows, _AT_ONCE):
            values = {"from": first, "to": min(rows, first + _AT_ONCE) - 1, "videos": VIDEOS, "since": since}
            connection.execute(_MADE, {**values, "days": DAYS, "rows": rows})
        connection.execute("VACUUM (ANALYZE) marketplace.touchpoint")
        begun_s = time.monotonic()
        with clock.frozen(since):
            # A month's worth is received by then.
            clock.advance(timedelta(days=DAYS + 1))
            count_until(partial(transact, made.db, SYSTEM), clock.now())
        took_s = time.monotonic() - begun_s
        row = connection.execute(
            "SELECT count(*), coalesce(sum(impressions + views + card_clicks), 0)::bigint FROM marketplace.touchpoint_day"
        ).fetchone()
    assert row is not None  # noqa: S101 - (same)
    return {
        "rows": rows,
        "counted": row[1],
        "rows_of_the_rollup": row[0],
        "took_s": round(took_s, 2),
        "rows_per_s": round(rows / took_s, 1),
    }
