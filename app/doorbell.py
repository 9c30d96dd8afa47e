"""The doorbell: a Dramatiq message that says only "job X is due". The one place that sends to the broker.

PostgreSQL remembers every job; losing the broker, or a message, costs latency and nothing else. So a ring that cannot be
delivered is dropped, and for a moment not even tried: a checkout must not wait for a broker that is down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker

from kernel.db.uow import Ring

log = structlog.get_logger(__name__)

QUEUES = ("default", "media", "documents")
ACTOR = "ring"
PAUSE_S = 1.0
"""How long rings are dropped after the broker failed to answer."""


def broker_for(redis_url: str) -> RedisBroker:
    """A broker that fails fast: what it carries can be lost."""
    client = redis.Redis.from_url(
        redis_url,
        socket_connect_timeout=0.5,
        socket_timeout=2.0,
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
    )
    # Results, retries and time limits belong to the durable jobs, not to the bell.
    return RedisBroker(client=client, middleware=[], namespace="market")  # type: ignore[no-untyped-call]


class Doorbell:
    """Rings workers; set as `Database.ring` in every process that commits."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker
        self._silent_until = 0.0
        for queue in QUEUES:
            broker.declare_queue(queue)

    def __call__(self, rings: Sequence[Ring]) -> None:
        """Tell the workers of each queue which jobs are due. Never raises: the sweeper finds what was not heard."""
        if time.monotonic() < self._silent_until:
            return
        try:
            for ring in rings:
                self._broker.enqueue(
                    dramatiq.Message(
                        queue_name=ring.queue, actor_name=ACTOR, args=(str(ring.job_id),), kwargs={}, options={}
                    )
                )
        except (dramatiq.errors.BrokerConnectionError, redis.RedisError, OSError) as error:
            self._silent_until = time.monotonic() + PAUSE_S
            log.warning("doorbell_silent", error=str(error))


def answer_door(broker: RedisBroker, run: Callable[[UUID], bool]) -> None:
    """Declare the actor that runs the job a ring names. Only worker processes answer."""

    def ring(job_id: str) -> None:
        run(UUID(job_id))

    for queue in QUEUES:
        broker.declare_queue(queue)
    dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=QUEUES[0])(ring)
