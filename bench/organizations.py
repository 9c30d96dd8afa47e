"""A thousandth of the installed base the channel is for: what its size costs those who look at lists."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from bench.client import Client, repeat, run
from bench.options import Options
from bench.population import Population, settle_statistics
from bench.report import Method, Report, percentile
from bench.stack import BUYER, HOST, Stack, stack
from bench.template import Connection, published_videos

ORGANIZATIONS, PEOPLE = 19_000, 400_000
"""A thousandth of the 19 million organizations and 400 million people that the channel was announced for."""
VIDEOS = 2_000
MADE_WITHIN_S, GOAL = 120.0, 1.5
SELLER = "owner@yihao.example"
CONSTANT = "constant JSON"
PAGE = 20
TIMES = 100
"""How often each list is asked for, after a tenth of it to warm up."""
METHOD = Method(
    "19,000 organizations with 400,000 people (a thousandth of the installed base; the largest has some 6,000 people, the "
    "smallest 6) are made set-based beside the sample market, with an invoice title each, 20,000 followers and 500 partners "
    "of one seller, a touchpoint of every person, 10,000 notifications of the person who looks, and 2,000 videos. Each list "
    "is asked for 100 times by one client before and after, for as many rows as it had before, at most 20. "
    "Ratio: median after over median before, the worst list; at most "
    "1.5 is wanted, and the people made in less than 2 minutes.",
    "在示例市场之外以集合方式创建 19000 个组织、400000 人（约为已有组织与用户的千分之一；最大组织约 6000 人，最小 6 人），"
    "各有一个发票抬头，其中 20000 人关注同一卖方的频道、500 个组织为其合作伙伴，"
    "每人一次触点，查看者有 10000 条通知，另有 2000 个视频。"
    "前后各由一个客户端请求每个列表 100 次，行数与之前相同（至多 20）。"
    "比值为之后与之前中位数之比，取最差者，目标不超过 1.5；人员创建须在 2 分钟内完成。",
)
Lists = Mapping[str, tuple[str, str]]
"""By name: who asks, and for what."""


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    with stack(options.port) as running, running.database() as connection:
        before, lists = run(_medians(running))
        begun_s = time.monotonic()
        populate(connection, ORGANIZATIONS, PEOPLE)
        made_s = time.monotonic() - begun_s
        surround(connection)
        Population(connection, published_videos(connection)).add(VIDEOS, "marketplace.video")
        settle_statistics(connection)
        after, _ = run(_medians(running, lists))
    ratios = {name: round(after[name] / before[name], 3) for name in before}
    worst = max(ratio for name, ratio in ratios.items() if name != CONSTANT)
    return Report(
        name="organizations",
        value=worst,
        unit="times the time",
        method=METHOD,
        ratio=worst,
        ratio_of="median with the population : median without, the worst list",
        details={
            "made_in_s": round(made_s, 1),
            "p50_ms before": before,
            "p50_ms after": after,
            "ratios": ratios,
            "goal": f"each at most {GOAL}: {_said(held=worst <= GOAL)}; made in {MADE_WITHIN_S:.0f} s: "
            f"{_said(held=made_s <= MADE_WITHIN_S)}",
        },
    )


def _said(*, held: bool) -> str:
    return "met" if held else "missed"


def populate(connection: Connection, organizations: int, people: int) -> None:
    """Organizations like the sample buyer's, the owner first among the people of each, and an invoice title for each.

    Sizes fall with the rank as those of companies do, and add up to `people`, at least one in each.
    """
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute(_NUMBERED)
        connection.execute(_SIZES, {"organizations": organizations, "rest": people - organizations})
        connection.execute(_PLACES)
        connection.execute(_ORIGINAL, {"email": BUYER})
        connection.execute("ANALYZE made, made_place, original")
        for statement in _COPIES:
            connection.execute(statement)


def surround(connection: Connection) -> None:
    """What those who were made do beside the measured ones: they follow, are partners, look; and one person is told much."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute(_SELLER, {"email": SELLER})
        for statement in _AROUND:
            connection.execute(statement)


_NUMBERED = """
    CREATE FUNCTION pg_temp.made_id(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE RETURN
    ('01900000-' || lpad(to_hex(number / 65536), 4, '0') || '-7' || kind || '-8000-'
     || lpad(to_hex(number % 65536), 12, '0'))::uuid
"""
"""Identifiers by kind and number: older than any that the product made, and of version 7 (RFC 9562)."""
_SIZES = """
    CREATE TEMP TABLE made AS
    SELECT n, pg_temp.made_id('e01', n) AS org_id,
           n + round(%(rest)s::bigint * sum(w) OVER (ORDER BY n) / sum(w) OVER ())::bigint AS last
    FROM (SELECT n, power(n::numeric, -0.7) AS w FROM generate_series(1::bigint, %(organizations)s::bigint) n) ranked
"""
_PLACES = """
    CREATE TEMP TABLE made_place AS
    SELECT p, m.org_id, pg_temp.made_id('e02', p) AS person_id, pg_temp.made_id('e03', p) AS member_id, p = m.first AS is_owner
    FROM (SELECT org_id, last, coalesce(lag(last) OVER (ORDER BY n), 0) + 1 AS first FROM made) m,
    generate_series(m.first, m.last) p
"""
_ORIGINAL = """
    CREATE TEMP TABLE original AS
    SELECT m.org_id, m.person_id, m.id AS member_id, b.id AS profile_id
    FROM marketplace.member m JOIN marketplace.person p ON p.id = m.person_id
    JOIN marketplace.billing_profile b ON b.org_id = m.org_id AND b.is_default
    WHERE p.email = %(email)s ORDER BY m.created_at, m.id LIMIT 1
"""
_COPIES = (
    """INSERT INTO marketplace.organization SELECT r.* FROM original, made m, marketplace.organization o,
        jsonb_populate_record(o, jsonb_build_object('id', m.org_id, 'legal_name', '示例企业第' || m.n || '号有限公司',
        'display_name', '示例企业' || m.n, 'tax_id', NULL, 'tax_id_verified_at', NULL,
        'created_at', o.created_at - m.n * interval '1 second')) r WHERE o.id = original.org_id""",
    """INSERT INTO marketplace.person SELECT r.* FROM original, made_place m, marketplace.person o,
        jsonb_populate_record(o, jsonb_build_object('id', m.person_id, 'email', 'person-' || m.p || '@made.example',
        'name', '示例员工' || m.p, 'created_at', o.created_at - m.p * interval '1 millisecond')) r
        WHERE o.id = original.person_id""",
    """INSERT INTO marketplace.member SELECT r.* FROM original, made_place m, marketplace.member o,
        jsonb_populate_record(o, jsonb_build_object('id', m.member_id, 'org_id', m.org_id, 'person_id', m.person_id,
        'department_id', NULL, 'roles', jsonb_build_array(CASE WHEN m.is_owner THEN 'owner' ELSE 'viewer' END))) r
        WHERE o.id = original.member_id""",
    """INSERT INTO marketplace.billing_profile SELECT r.* FROM original, made m, marketplace.billing_profile o,
        jsonb_populate_record(o, jsonb_build_object('id', pg_temp.made_id('e04', m.n), 'org_id', m.org_id,
        'legal_name', '示例企业第' || m.n || '号有限公司', 'tax_id', NULL)) r WHERE o.id = original.profile_id""",
    """WITH first AS MATERIALIZED (
            SELECT o FROM original, kernel.state_history o WHERE o.subject_id = original.org_id ORDER BY o.at, o.id LIMIT 1)
        INSERT INTO kernel.state_history SELECT r.* FROM first, made m,
        jsonb_populate_record(first.o, jsonb_build_object('id', pg_temp.made_id('e05', m.n), 'subject_id', m.org_id,
        'org_ids', jsonb_build_array(m.org_id))) r""",
    """WITH first AS MATERIALIZED (
            SELECT o FROM original, kernel.state_history o WHERE o.subject_id = original.member_id ORDER BY o.at, o.id LIMIT 1)
        INSERT INTO kernel.state_history SELECT r.* FROM first, made_place m,
        jsonb_populate_record(first.o, jsonb_build_object('id', pg_temp.made_id('e06', m.p), 'subject_id', m.member_id,
        'org_ids', jsonb_build_array(m.org_id))) r""",
)
"""Each row as the sample buyer's, but for what tells the copies apart."""
_SELLER = """
    CREATE TEMP TABLE seller ON COMMIT DROP AS
    SELECT c.org_id, c.id AS channel_id, o.display_name FROM marketplace.channel c
    JOIN marketplace.organization o ON o.id = c.org_id
    JOIN marketplace.member m ON m.org_id = c.org_id JOIN marketplace.person p ON p.id = m.person_id
    WHERE p.email = %(email)s ORDER BY c.created_at, c.id LIMIT 1
"""
_AROUND = (
    """INSERT INTO marketplace.follow (id, org_id, person_id, channel_id, created_at)
        SELECT pg_temp.made_id('e07', m.p), m.org_id, m.person_id, s.channel_id, now() - m.p * interval '1 second'
        FROM seller s, made_place m WHERE m.p % 20 = 0""",
    """INSERT INTO marketplace.partner_tier (id, seller_org_id, code, name, name_en, rank, created_at)
        SELECT pg_temp.made_id('e08', 1), s.org_id, 'MADE', '示例等级', 'Made', 100, now() FROM seller s""",
    """INSERT INTO marketplace.partner_link (id, seller_org_id, buyer_org_id, tier_id, seller_name, buyer_name, state,
        by_seller, created_at, accepted_at)
        SELECT pg_temp.made_id('e09', m.n), s.org_id, m.org_id, pg_temp.made_id('e08', 1), s.display_name,
        '示例企业' || m.n, 'accepted', true, now() - m.n * interval '1 minute', now() FROM seller s, made m WHERE m.n <= 500""",
    """INSERT INTO marketplace.notification (id, event_id, person_id, org_id, kind, params, path, mail, created_at)
        SELECT pg_temp.made_id('e0a', n), gen_random_uuid(), o.person_id, o.org_id, 'member_joined',
        jsonb_build_object('member', '示例员工' || n, 'organization', '示例企业'), '/members', 'none',
        now() - n * interval '1 minute' FROM original o, generate_series(1::bigint, 10000) n""",
    """INSERT INTO marketplace.touchpoint (id, occurred_at, org_id, person_id, kind, channel_org_id, video_id, second_ms,
        watched_ms, received_at)
        SELECT pg_temp.made_id('e0b', m.p), now() - (m.p % 40000) * interval '1 second', m.org_id, m.person_id,
        (ARRAY['impression', 'view', 'card_click'])[1 + m.p % 3], v.org_id, v.id, 1000 * (m.p % 30), 1000 * (m.p % 60), now()
        FROM made_place m
        JOIN (SELECT v.org_id, v.id, row_number() OVER (ORDER BY v.id) - 1 AS n, count(*) OVER () AS number
              FROM marketplace.video v WHERE v.state = 'published') v ON m.p % v.number = v.n""",
)
"""20,000 followers, 500 partners, 10,000 notifications, a touchpoint of each person."""


async def _medians(running: Stack, lists: Lists | None = None) -> tuple[dict[str, float], Lists]:
    """Each list by one client, in milliseconds; and how each was asked for, which is as before where `lists` is given."""
    clients = {email: Client(HOST, running.port) for email in (BUYER, SELLER)}
    for email, client in clients.items():
        await client.sign_in(email, running.password)
    lists = lists or await _lists(clients)
    found: dict[str, float] = {}
    for name, (email, path) in lists.items():
        works = [partial(clients[email].fetch, "GET", path)]
        await repeat(works, times=TIMES // 10)
        found[name] = round(percentile(await repeat(works, times=TIMES), 0.5) * 1000, 2)
    for client in clients.values():
        client.close()
    return found, lists


async def _lists(clients: Mapping[str, Client]) -> Lists:
    """Who asks for what: of each list as many rows as there are, at most a page, so that later as many are shown."""
    video = (await clients[SELLER].ask("GET", "/v1/seller/videos?limit=1"))["items"][0]["id"]
    asked = {
        "feed": (BUYER, "/v1/feed?limit="),
        "search": (BUYER, "/v1/search?q=%E6%8B%9B%E8%81%98&limit="),
        "inbox": (BUYER, "/v1/notifications?limit="),
        "orders": (BUYER, "/v1/orders?limit="),
        "partners": (SELLER, "/v1/seller/partners?limit="),
        "customers": (SELLER, "/v1/seller/customers?limit="),
    }
    lists = {}
    for name, (email, path) in asked.items():
        there = len((await clients[email].ask("GET", f"{path}{PAGE}"))["items"])
        lists[name] = (email, f"{path}{max(1, there)}")
    return {**lists, "funnel": (SELLER, f"/v1/seller/videos/{video}/reach"), CONSTANT: (BUYER, "/healthz")}
