"""The worker process: runs jobs that it is signalled, and looks by itself for what no signal reached."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app import scheduler
from app.clock_follower import follow_clock
from app.composition import compose
from app.job_notifier import JobNotifier, broker_for, consume, declare_actor
from app.local_executor import LocalExecutor
from billing.documents.renderer_pool import usable_cores
from kernel.db.uow import Database, transact
from kernel.huge_pages import gather_when_busy
from kernel.jobs.queries import due_in_s
from kernel.jobs.runner import due
from kernel.logs import configure_logs
from kernel.principal import SYSTEM
from kernel.settings import Settings

log = structlog.get_logger(__name__)

SWEPT = 500
"""Jobs that one look takes up, the oldest due: more than a worker does until the next."""
SWEEP_S, IDLE_S = 1.0, 2.0
"""How often the worker looks into the database itself: while there is something to find, and while there is not. A lease
that runs out or a pause that ends sooner is looked for at that moment: with a lease of 6 s a take-over stays below 10 s.
"""
SLACK_S = 0.05
"""Beside a lease's end, so that one look finds it over."""
UNHEARD = timedelta(seconds=1)
"""How long a job may wait for the worker that is signalled, before a sweep takes it."""


def main(settings: Settings, queues: Sequence[str], *, with_scheduler: bool = False) -> None:
    """Run jobs of `queues` until SIGTERM or SIGINT, then finish those under way.

    With `with_scheduler` a thread does the scheduler's work: one process less where one machine does everything.
    """
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    configure_logs(settings.log_format, settings.log_level, process="worker")
    services = compose(settings, platform_only=True)
    services.runner.start()
    gather_when_busy()
    follow_clock(services, stop)
    assert settings.redis_url is not None  # noqa: S101 - the command resolved the engines before
    broker = broker_for(settings.redis_url)
    draws = "documents" in queues
    executor = services.db.notify = LocalExecutor(
        services.runner,
        queues,
        JobNotifier(broker),
        threads=settings.worker_threads,
        # A document is drawn by a process of its own: as many as there are cores.
        calls=usable_cores() if draws else settings.worker_calls,
    )
    executor.start()
    declare_actor(broker, executor.submit)
    consume(broker, queues)
    if with_scheduler:
        threading.Thread(target=scheduler.run, args=(services.db, stop), name="scheduler", daemon=True).start()
    log.info("worker_ready", queues=list(queues))
    pause_s = SWEEP_S
    try:
        while not stop.wait(pause_s):
            pause_s = sweep(services.db, queues, executor)
    finally:
        # Whatever ended the loop: threads that go on without it would keep half a worker alive.
        stop.set()
        executor.shutdown()
        services.runner.stop()
        services.db.dispose()


def sweep(db: Database, queues: Sequence[str], executor: LocalExecutor) -> float:
    """Take up whatever is due and was not heard of: a signal was lost, a lease ran out, a back-off ended.

    Returns the seconds after which to look again.
    """
    try:
        found = due(db, queues, limit=SWEPT, unheard_for=UNHEARD)
        next_s = None if found else transact(db, SYSTEM, lambda uow: due_in_s(uow, queues))
    except SQLAlchemyError as error:
        log.warning("sweep_failed", error=str(error))
        return SWEEP_S
    for one in found:
        executor.submit(one)
    if found or (next_s is not None and next_s <= 0):
        return SWEEP_S
    return IDLE_S if next_s is None else min(IDLE_S, next_s + SLACK_S)
