"""The feed: a page of 20 out of 2,000 published videos, as a share of what the same server does with constant JSON."""

from __future__ import annotations

import time
from typing import Any

from bench.calibrate import constant_json
from bench.client import Client, repeat, run
from bench.options import Options
from bench.population import Population, settle_statistics
from bench.processor_time import spent, usage
from bench.report import Method, Report, in_ms
from bench.stack import BUYER, HOST, Stack, stack
from bench.template import published_videos

VIDEOS = 2_000
CONNECTIONS = 16
SECONDS, ROUNDS = 5.0, 2
PAGE = "/v1/feed?limit=20"
METHOD = Method(
    "GET /v1/feed?limit=20 out of 2,000 published videos (the sample market's, copied with their cards and claims), over 16 "
    "kept-alive connections, anonymous and signed in, 5 s each after warming up, twice; GET /healthz in the same way before "
    "and after each. Ratio: pages per second over the mean of the two constant JSON rates around them.",
    "从 2000 个已发布视频（由示例视频连同商品卡与承诺复制而成）中请求 GET /v1/feed?limit=20，"
    "16 个长连接，匿名与登录各测两轮，"
    "预热后每轮 5 秒；每轮前后以同样方式请求 GET /healthz。比值为每秒页数与前后两次恒定 JSON 速率均值之比。",
)


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    with stack(options.port) as running:
        with running.database() as connection:
            template = published_videos(connection)
            Population(connection, template).add(VIDEOS, "marketplace.video")
            settle_statistics(connection)
        found = run(_rounds(running))
    anonymous, signed_in = (found[key]["ratio"] for key in ("anonymous", "signed in"))
    return Report(
        name="feed",
        value=found["anonymous"]["pages_per_s"],
        unit="pages/s",
        method=METHOD,
        ratio=min(anonymous, signed_in),
        ratio_of="pages/s : constant JSON/s, the lesser of anonymous and signed in",
        details=found,
    )


async def _rounds(running: Stack) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, email in (("anonymous", ""), ("signed in", BUYER)):
        clients = [Client(HOST, running.port) for _ in range(CONNECTIONS)]
        if email:
            for client in clients:
                await client.sign_in(email, running.password)
        steps = [lambda client=client: client.fetch("GET", PAGE) for client in clients]
        await repeat(steps, times=5)
        constant = [await constant_json(running, seconds=SECONDS, connections=CONNECTIONS)]
        durations: list[float] = []
        before, pages_s = usage(running.root), 0.0
        for _ in range(ROUNDS):
            begun_s = time.monotonic()
            durations += await repeat(steps, seconds=SECONDS)
            pages_s += time.monotonic() - begun_s
        after = usage(running.root)
        constant.append(await constant_json(running, seconds=SECONDS, connections=CONNECTIONS))
        for client in clients:
            client.close()
        rate = len(durations) / pages_s
        found[name] = {
            "pages_per_s": round(rate, 1),
            "constant_json_per_s": [round(value, 1) for value in constant],
            "ratio": round(rate / (sum(constant) / len(constant)), 4),
            "latency": in_ms(durations),
            **spent(before, after, len(durations)),
        }
    return found
