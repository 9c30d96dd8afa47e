"""The scheduler process: does the sweeps. Any number may run; a PostgreSQL advisory lock lets one of them act."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.clock_follower import follow_clock
from app.composition import compose
from billing.gateways.janitor import JANITOR, WEBHOOKS
from kernel import clock, sandbox_history
from kernel.db.uow import Database, is_retried, transact
from kernel.jobs.kinds import Sweep, sweeps
from kernel.logs import configure_logs
from kernel.principal import SYSTEM
from kernel.settings import Settings
from marketplace.webhooks.jobs import WAKE
from orders.notifications.notify_of_events import NOTIFY
from orders.outgoing_events.publish_events import PUBLISH

log = structlog.get_logger(__name__)

LOCK = 7_316_001
"""Key of the scheduler's session-level advisory lock; the server frees it when the holder's connection dies."""
TICK_S = 1.0
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
BESIDE_A_PAST = frozenset({JANITOR, WEBHOOKS, NOTIFY, PUBLISH, WAKE})
"""Sweeps that go on while a sandbox's past is being made, between its steps. What is due by the calendar is its maker's."""


def main(settings: Settings) -> None:
    """Do what is due until SIGTERM or SIGINT."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    configure_logs(settings.log_format, settings.log_level, process="scheduler")
    services = compose(settings, platform_only=True)
    follow_clock(services, stop)
    run(services.db, stop)
    services.db.dispose()


def run(db: Database, stop: threading.Event) -> None:
    """Lead, or wait to, until `stop`; begin anew whenever the database was lost."""
    log.info("scheduler_ready", sweeps=[item.name for item in sweeps()])
    while not stop.is_set():
        try:
            lead(db, stop)
        except SQLAlchemyError as error:
            log.warning("scheduler_lost_database", error=str(error))
            stop.wait(TICK_S)


def lead(db: Database, stop: threading.Event) -> None:
    """Hold the lock and do each tick's sweeps; wait while another scheduler holds it."""
    done: dict[str, int] = {}
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not stop.is_set() and not connection.scalar(text("SELECT pg_try_advisory_lock(:k)"), {"k": LOCK}):
            stop.wait(TICK_S)
        while not stop.wait(TICK_S):
            if any(done.get(item.name) != slot(item) for item in _own_sweeps()):
                _require_lock(connection)
                with between_steps(connection) as mine:
                    if mine:
                        tick(db, done)


def tick(db: Database, done: dict[str, int]) -> int:
    """Do every sweep whose slot has begun. Returns how many were due.

    `done` remembers the slots that were seen to: one sweep does the work of all that were missed. A sweep that raises is
    logged and tried again in its next slot; no other waits for it longer than it takes.
    """
    due = [item for item in _own_sweeps() if done.get(item.name) != slot(item)]
    for item in due:
        done[item.name] = slot(item)
        run_sweep(db, item)
    return len(due)


def run_sweep(db: Database, item: Sweep) -> None:
    """Do one sweep now. Never raises but for the loss of the database."""
    try:
        item.work(partial(transact, db, SYSTEM))
    except SQLAlchemyError:
        raise
    except Exception:
        log.exception("sweep_failed", sweep=item.name)


def slot(item: Sweep) -> int:
    """Number of the present interval since a fixed start."""
    number: int = (clock.now() - EPOCH) // max(item.every, timedelta(seconds=1))
    return number


def _own_sweeps() -> list[Sweep]:
    """All of them, but for those which whoever makes a past does at its own time meanwhile."""
    in_past = sandbox_history.percent_done() is not None
    return [item for item in sweeps() if not in_past or item.name in BESIDE_A_PAST]


@contextmanager
def between_steps(connection: Connection) -> Iterator[bool]:
    """Keep a past from being made meanwhile. False: a step of it takes longer than one may wait; ask again."""
    if sandbox_history.percent_done() is None:
        yield True
        return
    key = {"key": sandbox_history.MAKING}
    try:
        connection.execute(text("SELECT pg_advisory_lock_shared(:key)"), key)
    except DBAPIError as error:
        if not is_retried(error):
            raise
        yield False
        return
    try:
        yield True
    finally:
        connection.execute(text("SELECT pg_advisory_unlock_shared(:key)"), key)


def _require_lock(connection: Connection) -> None:
    """The server closes what it ends: as long as the connection that took the lock answers, the lock is held."""
    connection.scalar(text("SELECT 1"))
