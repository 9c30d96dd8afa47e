"""The scheduler process: enqueues periodic jobs. Any number may run; a PostgreSQL advisory lock lets one of them act."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from app.clock_follower import follow_clock
from app.composition import compose
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.jobs.models import Job
from kernel.jobs.registry import SLOT, Periodic, periodic
from kernel.logs import configure_logs
from kernel.principal import SYSTEM
from kernel.settings import Settings

log = structlog.get_logger(__name__)

LOCK = 7_316_001
"""Key of the scheduler's session-level advisory lock; the server frees it when the holder's connection dies."""
TICK_S = 1.0
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def main(settings: Settings) -> None:
    """Enqueue periodic jobs until SIGTERM or SIGINT."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    configure_logs(settings.log_format, settings.log_level, process="scheduler")
    services = compose(settings)
    follow_clock(services, stop)
    run(services.db, stop)
    services.db.dispose()


def run(db: Database, stop: threading.Event) -> None:
    """Schedule until `stop`, over losses of the database."""
    log.info("scheduler_ready", kinds=[item.kind for item in periodic()])
    while not stop.is_set():
        try:
            lead(db, stop)
        except SQLAlchemyError as error:
            log.warning("scheduler_lost_database", error=str(error))
            stop.wait(TICK_S)


def lead(db: Database, stop: threading.Event) -> None:
    """Take the lock, then enqueue each tick; wait while another scheduler holds it.

    The lock is the session's: whoever has it keeps it as long as the connection lives, which the server closes when it
    ends the session. Raises SQLAlchemyError once the connection is lost, and with it the lock.
    """
    begun: dict[str, int] = {}
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        held = False
        while not stop.wait(TICK_S):
            held = held or bool(connection.scalar(text("SELECT pg_try_advisory_lock(:k)"), {"k": LOCK}))
            if held and is_due(begun):
                connection.execute(text("SELECT 1"))
                tick(db, begun)


def is_due(begun: Mapping[str, int]) -> bool:
    """Whether a slot has begun that this process has not seen to."""
    return any(begun.get(item.kind) != slot(item) for item in periodic())


def tick(db: Database, begun: dict[str, int]) -> None:
    """Enqueue every periodic job whose slot has begun; the dedupe key is the slot, so that twice is once.

    A kind that waits for a worker already is left out: one sweep does the work of all that were missed, and whoever comes
    back after a long time finds no heap of them before the orders. `begun` remembers the slots this process has seen to,
    and saves asking the database again within each.
    """
    due = {item.kind: slot(item) for item in periodic() if begun.get(item.kind) != slot(item)}
    if due:
        with unit_of_work(db, SYSTEM) as uow:
            waiting = select(Job.kind).where(Job.kind.in_(due), Job.state == "ready", Job.run_at <= clock.now())
            for kind in due.keys() - set(uow.session.scalars(waiting)):
                uow.enqueue(kind, {}, dedupe_key=f"{SLOT}{due[kind]}")
        begun.update(due)


def slot(item: Periodic) -> int:
    """Number of the present interval since a fixed start."""
    return (clock.now() - EPOCH) // max(item.every, timedelta(seconds=1))
