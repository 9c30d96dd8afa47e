"""Signals through a real broker: heard at once, and an idle consumer asks for nothing."""

from __future__ import annotations

import queue
import time

import redis

from app.embedded.engines import Addresses
from app.job_notifier import JobNotifier, broker_for, consume, declare_actor
from kernel.db.uow import JobSignal
from kernel.ids import uuid7

PATIENCE_S = 60


def commands(client: redis.Redis) -> int:
    return sum(stat["calls"] for name, stat in client.info("commandstats").items() if name != "cmdstat_info")


def test_a_signal_is_heard_and_an_idle_consumer_asks_for_nothing(addresses: Addresses) -> None:
    heard: queue.SimpleQueue[JobSignal] = queue.SimpleQueue()
    hearing = broker_for(addresses.redis_url)
    declare_actor(hearing, heard.put)
    consume(hearing, ["default", "media"])
    notify = JobNotifier(broker_for(addresses.redis_url))
    sent = [uuid7() for _ in range(3)]
    for job_id in sent:
        told = JobSignal("default", job_id, "test")
        notify([told, JobSignal("documents", uuid7(), "test")])
        assert heard.get(timeout=PATIENCE_S) == told  # none of the other queue's signals arrive
    assert heard.empty()
    with redis.Redis.from_url(addresses.redis_url) as client:
        least = PATIENCE_S * 100
        for _ in range(3):  # other tests use the same server; its quietest second counts
            before = commands(client)
            time.sleep(1)
            least = min(least, commands(client) - before)
        assert least < 10
        assert client.llen("market:documents") == len(sent)
