"""What tells workers of due jobs: a Dramatiq message that says only "these are due". The one place that speaks to the broker.

PostgreSQL remembers every job; losing the broker, or a message, costs latency and nothing else. So a message that cannot be
delivered is dropped, and for a moment not even tried: a checkout must not wait for a broker that is down.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq.broker import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import BrokerConnectionError, ConnectionClosed

from kernel.db.uow import JobSignal

log = structlog.get_logger(__name__)

QUEUES = ("default", "media", "documents")
ACTOR = "run_job"
NAMESPACE = "market"
PAUSE_S = 1.0
"""How long messages are dropped after the broker failed to answer."""
GATHER_S = 0.03
"""What is due so soon after the last message of its queue is due together with whatever else comes until then."""
WAIT_S = 15.0
"""How long an idle consumer waits in the broker at a time: what comes meanwhile is there at once."""


class BlockingConsumer(_RedisConsumer):
    """Waits in the broker for a message, where Dramatiq's own asks again every few milliseconds."""

    def __next__(self) -> MessageProxy | None:
        if not self.message_cache and self.outstanding_message_count < self.prefetch:
            queue = f"{NAMESPACE}:{self.queue_name}"
            try:
                # From the head to the head: it returns as soon as there is a message, and leaves the queue as it was.
                self.broker.client.blmove(queue, queue, WAIT_S, "LEFT", "LEFT")
            except redis.ConnectionError as error:
                raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
            self.misses = 0
        return super().__next__()  # type: ignore[no-any-return,no-untyped-call]


class SignalBroker(RedisBroker):
    """A broker that fails fast, waits without polling, and delays no message: what it carries can be lost."""

    consumer_class = BlockingConsumer

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue, without Dramatiq's second one for delayed messages."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


def broker_for(redis_url: str) -> SignalBroker:
    """The broker of a process; connects when it is first used."""
    client = redis.Redis.from_url(
        redis_url,
        socket_connect_timeout=0.5,
        socket_timeout=WAIT_S + 2.0,
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
    )
    # Results, retries and time limits belong to the durable jobs, not to the messages.
    return SignalBroker(client=client, middleware=[], namespace=NAMESPACE)  # type: ignore[no-untyped-call]


class JobNotifier:
    """Tells workers which jobs are due; set as `Database.notify` in every process that commits.

    The first job of a quiet queue is due at once, by whoever committed it. What follows closely is due by a thread of its
    own, several jobs in a message.
    """

    def __init__(self, broker: SignalBroker) -> None:
        self._broker = broker
        self._silent_until = 0.0
        self._changed = threading.Condition()
        self._gathered: dict[str, list[JobSignal]] = {}
        self._told_s = dict.fromkeys(QUEUES, 0.0)
        self._thread: threading.Thread | None = None
        for queue in QUEUES:
            broker.declare_queue(queue)

    def __call__(self, signals: Sequence[JobSignal]) -> None:
        """Tell the workers of each queue which jobs are due. Never raises: a sweep finds what was not heard.

        Nobody is told of a queue that is worked apart (`kernel.jobs.kinds.work_apart`).
        """
        at_once: dict[str, list[JobSignal]] = {}
        with self._changed:
            now_s = time.monotonic()
            for signal in signals:
                if signal.queue not in self._told_s:
                    continue
                is_quiet = now_s - self._told_s[signal.queue] >= GATHER_S
                (at_once if is_quiet else self._gathered).setdefault(signal.queue, []).append(signal)
            for queue, due in at_once.items():
                # What waits of the queue is older.
                due[:0] = self._gathered.pop(queue, [])
                self._told_s[queue] = now_s
            if self._gathered:
                self._have_told_later()
        for queue, due in at_once.items():
            self._tell(queue, due)

    def _have_told_later(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._tell_gathered, name="job-notifier", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _tell_gathered(self) -> None:
        while True:
            with self._changed:
                while not self._gathered:
                    self._changed.wait()
                queue = min(self._gathered, key=self._told_s.__getitem__)
                wait_s = self._told_s[queue] + GATHER_S - time.monotonic()
                if wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
                due = self._gathered.pop(queue)
                self._told_s[queue] = time.monotonic()
            try:
                self._tell(queue, due)
            except Exception:
                # Nobody asks this thread how it ended, and what is gathered later would wait for it for ever.
                log.exception("signals_lost", queue=queue, jobs=len(due))

    def _tell(self, queue: str, signals: Sequence[JobSignal]) -> None:
        if time.monotonic() < self._silent_until:
            return
        jobs = [[str(signal.job_id), signal.kind] for signal in signals]
        try:
            self._broker.enqueue(
                dramatiq.Message(queue_name=queue, actor_name=ACTOR, args=(queue, jobs), kwargs={}, options={})
            )
        except (BrokerConnectionError, redis.RedisError, OSError) as error:
            self._silent_until = time.monotonic() + PAUSE_S
            log.warning("broker_silent", error=str(error))


def declare_actor(broker: SignalBroker, accept: Callable[[JobSignal], object]) -> None:
    """Declare the actor that hands over the jobs a message names. Only worker processes consume."""

    def run_job(queue: str, jobs: list[list[str]] | str, kind: str = "") -> None:
        # A process of the last release names one job.
        for job_id, its_kind in [[jobs, kind]] if isinstance(jobs, str) else jobs:
            accept(JobSignal(queue, UUID(job_id), its_kind))

    for queue in QUEUES:
        broker.declare_queue(queue)
    dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=QUEUES[0])(run_job)


def consume(broker: SignalBroker, queues: Sequence[str]) -> None:
    """Hear what the broker says of `queues` until the process ends. One thread hands over; it waits while there is no room."""
    wait_ms = int(WAIT_S * 1000)
    dramatiq.Worker(broker, queues=set(queues), worker_timeout=wait_ms, worker_threads=1).start()
