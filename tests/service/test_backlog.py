"""A backlog is worked off by age: what came a moment ago overtakes nothing of its kind, and no kind waits for another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.local_executor import WAITING
from app.waiting_jobs import WaitingJobs
from app.worker import SWEPT
from kernel.db.uow import Database, JobSignal, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, job
from kernel.jobs.outbox import enqueue
from kernel.jobs.runner import Runner, drain, due
from kernel.principal import SYSTEM

QUEUE = f"test-{uuid7().hex[-6:]}"
"""Nobody else's: what a test leaves undone is not run by another."""
SALE, JANITOR = f"test.backlog.sale.{QUEUE}", f"test.backlog.janitor.{QUEUE}"
ENDLESS = f"test.backlog.endless.{QUEUE}"
OLD, NEW, CHECKS = 2_000, 400, 5
BATCH = 100
served: list[tuple[str, int]] = []


@job(SALE, queue=QUEUE)
def sell(_uow: object, payload: Payload) -> None:
    served.append((SALE, payload["number"]))


@job(JANITOR, queue=QUEUE)
def check(_uow: object, payload: Payload) -> None:
    served.append((JANITOR, payload["number"]))


@job(ENDLESS, queue=QUEUE)
def go_on(uow: UnitOfWork, payload: Payload) -> None:
    number = payload["number"] + 1
    enqueue(uow, ENDLESS, {"number": number}, dedupe_key=str(number))


@pytest.fixture(autouse=True)
def _empty(db: Database) -> Iterator[None]:
    served.clear()
    yield
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(text("DELETE FROM kernel.job WHERE queue = :queue"), {"queue": QUEUE})


def add(db: Database, kind: str, first: int, count: int) -> list[JobSignal]:
    with unit_of_work(db, SYSTEM) as uow:
        for number in range(first, first + count):
            enqueue(uow, kind, {"number": number}, dedupe_key=str(number))
        uow.flush_outbox()
        return list(uow.signals)


def test_two_thousand_that_nobody_heard_of_go_before_what_is_signalled_now(db: Database) -> None:
    add(db, SALE, 0, OLD)
    waiting, runner = WaitingJobs(WAITING), Runner(db, "test")
    # The newest reach the worker first: those that came before them were signalled to one that was killed.
    for signal in add(db, SALE, OLD, NEW):
        waiting.add(signal.kind, signal.job_id)
    add(db, JANITOR, 0, CHECKS)
    while found := due(db, [QUEUE], SWEPT):
        for signal in found:
            waiting.add(signal.kind, signal.job_id)
        runner.run_batch(waiting.take(BATCH))
    sales = [number for kind, number in served if kind == SALE]
    # A batch is claimed and run by age as well: the order is the same to the last job.
    assert sales == list(range(OLD + NEW))
    assert len([1 for kind, _ in served if kind == JANITOR]) == CHECKS


def test_the_janitor_does_not_wait_for_a_backlog_of_sales(db: Database) -> None:
    waiting, runner = WaitingJobs(WAITING), Runner(db, "test")
    for signal in add(db, SALE, 0, OLD):
        waiting.add(signal.kind, signal.job_id)
    for signal in add(db, JANITOR, 0, CHECKS):
        assert waiting.add(signal.kind, signal.job_id), "a full house has room for a kind that waits less than others"
    runner.run_batch(waiting.take(BATCH))
    assert sum(kind == JANITOR for kind, _ in served) == CHECKS


def test_draining_ends_when_nothing_is_due(db: Database) -> None:
    add(db, SALE, 0, BATCH + 1)
    assert drain(db, queues=[QUEUE], limit=BATCH + 1) == BATCH + 1


def test_draining_says_that_work_has_no_end(db: Database) -> None:
    add(db, ENDLESS, 0, 1)
    with pytest.raises(RuntimeError, match=f"more is due: {ENDLESS}"):
        drain(db, queues=[QUEUE], limit=10)
