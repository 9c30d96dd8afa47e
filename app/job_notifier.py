"""Signals to workers: a Dramatiq message that says only "job X is due". The one place that speaks to the broker.

PostgreSQL remembers every job; losing the broker, or a message, costs latency and nothing else. So a signal that cannot be
delivered is dropped, and for a moment not even tried: a checkout must not wait for a broker that is down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer

from kernel.db.uow import JobSignal

log = structlog.get_logger(__name__)

QUEUES = ("default", "media", "documents")
ACTOR = "run_job"
PAUSE_S = 1.0
"""How long signals are dropped after the broker failed to answer."""
BLOCK_S = 1.0
"""How long a consumer waits for a message in one request. Shorter than the client's time limit of a request."""


class _BlockingConsumer(_RedisConsumer):
    """Dramatiq's consumer asks again and again; this one waits at the server, so that an idle worker costs nothing."""

    def __next__(self) -> Any:
        if not self.message_cache and self.outstanding_message_count < self.prefetch:
            queue = f"{self.broker.namespace}:{self.queue_name}"
            try:
                # Moves the first message to where it is: the wait is what is wanted.
                self.broker.client.blmove(queue, queue, BLOCK_S, "LEFT", "LEFT")
            except redis.ConnectionError as error:
                raise dramatiq.errors.ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
            except redis.TimeoutError:
                return None
        return super().__next__()  # type: ignore[no-untyped-call]


class _BlockingBroker(RedisBroker):
    @property
    def consumer_class(self) -> Any:
        return _BlockingConsumer


def broker_for(redis_url: str) -> RedisBroker:
    """A broker that fails fast: what it carries can be lost."""
    client = redis.Redis.from_url(
        redis_url,
        socket_connect_timeout=0.5,
        socket_timeout=2.0,
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
    )
    # Results, retries and time limits belong to the durable jobs, not to their signals.
    return _BlockingBroker(client=client, middleware=[], namespace="market")  # type: ignore[no-untyped-call]


class JobNotifier:
    """Signals workers; set as `Database.notify` in every process that commits."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker
        self._silent_until = 0.0
        for queue in QUEUES:
            broker.declare_queue(queue)

    def __call__(self, signals: Sequence[JobSignal]) -> None:
        """Tell the workers of each queue which jobs are due. Never raises: a sweep finds what was not heard of."""
        if time.monotonic() < self._silent_until:
            return
        try:
            for signal in signals:
                self._broker.enqueue(
                    dramatiq.Message(
                        queue_name=signal.queue, actor_name=ACTOR, args=(str(signal.job_id),), kwargs={}, options={}
                    )
                )
        except (dramatiq.errors.BrokerConnectionError, redis.RedisError, OSError) as error:
            self._silent_until = time.monotonic() + PAUSE_S
            log.warning("broker_unreachable", error=str(error))


def declare_actor(broker: RedisBroker, submit: Callable[[UUID], object]) -> None:
    """Declare the actor that hands the job of a signal to `submit`. Only worker processes do."""

    def run_job(job_id: str) -> None:
        submit(UUID(job_id))

    for queue in QUEUES:
        broker.declare_queue(queue)
    dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=QUEUES[0])(run_job)
