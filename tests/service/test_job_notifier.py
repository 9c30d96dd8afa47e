"""Signals through a real broker: heard at once, and an idle consumer asks for nothing."""

from __future__ import annotations

import json
import queue
import time
from typing import Any, cast
from uuid import UUID

import redis

from app.embedded.engines import Addresses
from app.job_notifier import JobNotifier, SignalBroker, broker_for, consume, declare_actor
from kernel.db.uow import JobSignal
from kernel.ids import uuid7

PATIENCE_S = 60


def commands(client: redis.Redis) -> int:
    return sum(stat["calls"] for name, stat in client.info("commandstats").items() if name != "cmdstat_info")


def told(client: redis.Redis, name: str) -> set[UUID]:
    """The jobs that messages waiting in a queue name."""
    messages = [json.loads(found) for found in client.hvals(f"market:{name}.msgs")]
    return {UUID(job_id) for message in messages for job_id, _ in message["args"][1]}


def test_a_signal_is_heard_and_an_idle_consumer_asks_for_nothing(addresses: Addresses) -> None:
    heard: queue.SimpleQueue[JobSignal] = queue.SimpleQueue()
    hearing = broker_for(addresses.redis_url)
    # Others' jobs pass here too: every test process has its own database, and all of them this one server.
    declare_actor(hearing, lambda signal: heard.put(signal) if signal.kind == "test" else None)
    consume(hearing, ["default", "media"])
    notify = JobNotifier(broker_for(addresses.redis_url))
    sent = [uuid7() for _ in range(3)]
    others = {uuid7() for _ in sent}
    for job_id, other in zip(sent, others, strict=True):
        due = JobSignal("default", job_id, "test")
        notify([due, JobSignal("documents", other, "test"), JobSignal("past.default", other, "test")])
        assert heard.get(timeout=PATIENCE_S) == due  # none of the other queue's signals arrive
    assert heard.empty()
    with redis.Redis.from_url(addresses.redis_url) as client:
        least = PATIENCE_S * 100
        for _ in range(3):  # other tests use the same server; its quietest second counts
            before = commands(client)
            time.sleep(1)
            least = min(least, commands(client) - before)
        assert least < 10
        assert others <= told(client, "documents")


def test_what_follows_closely_is_told_in_few_messages_and_none_is_lost(addresses: Addresses) -> None:
    notify = JobNotifier(broker_for(addresses.redis_url))
    sent = {uuid7() for _ in range(40)}
    with redis.Redis.from_url(addresses.redis_url) as client:
        before = client.llen("market:documents")
        for job_id in sent:
            notify([JobSignal("documents", job_id, "test")])
        # The first is there at once, and not each in a message of its own.
        assert before < client.llen("market:documents") < before + len(sent)
        until = time.monotonic() + PATIENCE_S
        while not sent <= told(client, "documents"):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_message_of_the_last_release_is_understood() -> None:
    broker = broker_for("redis://unused")
    heard: list[JobSignal] = []
    declare_actor(broker, heard.append)
    job_id = uuid7()
    broker.get_actor("run_job").fn("default", str(job_id), "test")
    assert heard == [JobSignal("default", job_id, "test")]


def test_one_message_that_fails_in_the_thread_does_not_end_it() -> None:
    class Broker:
        """Refuses its second message as nobody expects, and keeps the others."""

        def __init__(self) -> None:
            self.tried = 0
            self.jobs: list[str] = []

        def declare_queue(self, name: str) -> None:
            """Nothing to declare."""

        def enqueue(self, message: Any) -> None:
            self.tried += 1
            if self.tried == 2:
                raise ValueError("unforeseen")
            self.jobs += [job_id for job_id, _ in message.args[1]]

    broker = Broker()
    notify = JobNotifier(cast("SignalBroker", broker))
    first, lost, last = (uuid7() for _ in range(3))
    for job_id, tried in ((first, 1), (lost, 2), (last, 3)):
        notify([JobSignal("default", job_id, "test")])
        until = time.monotonic() + PATIENCE_S
        while broker.tried < tried:
            assert time.monotonic() < until
            time.sleep(0.001)
    assert broker.jobs == [str(first), str(last)]
