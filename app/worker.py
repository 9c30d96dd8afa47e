"""The worker process: answers the doorbell, and every second looks for what the bell missed."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Sequence
from datetime import timedelta

import structlog
from dramatiq import Worker
from sqlalchemy.exc import SQLAlchemyError

from app.clock_follower import follow_clock
from app.composition import compose
from app.doorbell import Doorbell, answer_door, broker_for
from app.hands import Hands
from kernel.db.uow import Database
from kernel.jobs.runner import Runner, due
from kernel.logs import configure_logs
from kernel.settings import Settings

log = structlog.get_logger(__name__)

SWEEP_S = 1.0
"""How often the worker looks into the database itself. With a lease of 6 s this bounds a take-over below 10 s."""
RUNG = timedelta(seconds=1)
"""How long a job may wait for the worker that hears the bell, before a sweep takes it."""


def main(settings: Settings, queues: Sequence[str]) -> None:
    """Run jobs of `queues` until SIGTERM or SIGINT, then finish those under way."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    configure_logs(settings.log_format, settings.log_level, process="worker")
    services = compose(settings)
    runner = Runner(services.db, f"{socket.gethostname()}:{os.getpid()}")
    runner.start()
    follow_clock(services, stop)
    assert settings.redis_url is not None  # noqa: S101 - the command resolved the engines before
    broker = broker_for(settings.redis_url)
    answer_door(broker, runner.run)
    hands = services.db.ring = Hands(settings.worker_threads, queues, runner.run, Doorbell(broker))
    # Short polls: an idle worker hears the bell within this time.
    bell = Worker(broker, queues=set(queues), worker_timeout=50, worker_threads=settings.worker_threads)
    bell.start()
    log.info("worker_ready", queues=list(queues))
    while not stop.wait(SWEEP_S):
        sweep(services.db, queues, hands)
    bell.stop(timeout=settings.shutdown_grace_s * 1000)
    hands.rest()
    runner.stop()
    services.db.dispose()


def sweep(db: Database, queues: Sequence[str], hands: Hands) -> None:
    """Take up whatever is due and was not heard: the bell was lost, a lease ran out, a back-off ended."""
    try:
        found = due(db, queues, limit=50, rung=RUNG)
    except SQLAlchemyError as error:
        log.warning("sweep_failed", error=str(error))
        return
    for job_id, _ in found:
        if not hands.take(job_id):
            return
