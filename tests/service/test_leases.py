"""Leases stay alive while their job runs, whatever the others of the same worker do; a job that kills workers ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.jobs import leases, outbox
from kernel.jobs.context import JobClaim, fence
from kernel.jobs.kinds import Payload, call, job
from kernel.jobs.models import Job
from kernel.jobs.runner import Runner
from kernel.principal import SYSTEM

QUEUE = f"test-{uuid7().hex[-6:]}"
"""Nobody else's: what a test leaves undone is not run by another."""
CALL, FAIL = f"test.leases.call.{uuid7().hex[-6:]}", f"test.leases.fail.{uuid7().hex[-6:]}"
inside, go_on = threading.Event(), threading.Event()


class StandStill:
    """A call to the outside world that takes as long as the test wants."""

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> bool:
        return True

    def call(self, request: bool) -> None:  # noqa: FBT001 - a request that says nothing
        inside.set()
        assert go_on.wait(60)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: bool, answer: None) -> None:  # noqa: FBT001 - (same)
        return


call(CALL, queue=QUEUE, max_attempts=2)(StandStill())


@job(FAIL, queue=QUEUE, max_attempts=1)
def fail(_uow: UnitOfWork, payload: Payload) -> None:
    raise RuntimeError(f"the seller said {payload['secret']} to ada@buyer.example")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(leases, "HEARTBEAT_S", 0.1)
    inside.clear()
    go_on.clear()
    yield
    go_on.set()


def enqueue(db: Database, kind: str, **payload: Any) -> UUID:
    with unit_of_work(db, SYSTEM) as uow:
        return outbox.enqueue(uow, kind, payload, dedupe_key=str(uuid7()))


def row(db: Database, job_id: UUID) -> Job:
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.get_one(Job, job_id)


def claimed(runner: Runner, db: Database, job_id: UUID) -> JobClaim | None:
    """What a worker holds when its call begins."""
    _, calls = runner.begin([job_id])
    return calls[0].claim if calls else None


def lease(db: Database, job_id: UUID) -> datetime:
    found = row(db, job_id).lease_until
    assert found is not None
    return found


def expire(db: Database, job_id: UUID) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        expired = "UPDATE kernel.job SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id"
        uow.session.execute(text(expired), {"id": job_id})


def grows(db: Database, job_id: UUID, limit_s: float = 2.0) -> bool:
    """Whether the job's lease is renewed, within less time than a statement may wait for a lock."""
    before, deadline = lease(db, job_id), time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if lease(db, job_id) > before:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def at_work(db: Database) -> Iterator[Callable[[Runner], UUID]]:
    """Start a job on a runner and wait until its handler is inside its outside call."""
    threads: list[threading.Thread] = []
    runners: list[Runner] = []

    def start(runner: Runner) -> UUID:
        job_id = enqueue(db, CALL)
        runner.start()
        runners.append(runner)
        threads.append(threading.Thread(target=runner.run, args=(job_id,)))
        threads[-1].start()
        assert inside.wait(30)
        return job_id

    yield start
    go_on.set()
    for thread in threads:
        thread.join(30)
    for runner in runners:
        runner.stop()


def test_a_long_transaction_of_one_job_lets_no_other_lease_run_out(
    db: Database, at_work: Callable[[Runner], UUID]
) -> None:
    runner = Runner(db, "one worker")
    waiting, busy = at_work(runner), enqueue(db, CALL)
    claim = claimed(runner, db, busy)
    assert claim is not None
    with unit_of_work(db, SYSTEM) as uow:
        assert fence(uow, [claim]) == {busy}
        assert grows(db, waiting)


def test_a_heartbeat_that_got_no_connection_beats_again(
    db: Database, at_work: Callable[[Runner], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = at_work(Runner(db, "one worker"))
    failed = threading.Event()

    def exhausted(*_: object, **__: object) -> object:
        failed.set()
        raise PoolTimeout("QueuePool limit reached")

    with monkeypatch.context() as patched:
        patched.setattr(leases, "unit_of_work", exhausted)
        assert failed.wait(30)
    assert grows(db, job_id, 30)


def test_a_lease_that_was_lost_is_not_renewed_by_the_one_that_lost_it(db: Database) -> None:
    job_id = enqueue(db, CALL)
    first, second = Runner(db, "same name"), Runner(db, "same name")
    lost = claimed(first, db, job_id)
    assert lost is not None
    expire(db, job_id)
    assert claimed(second, db, job_id) is not None
    expire(db, job_id)
    before = lease(db, job_id)
    first._leases.renew()
    assert lease(db, job_id) == before


def test_a_job_that_kills_its_workers_is_given_up(db: Database) -> None:
    job_id = enqueue(db, CALL)
    for number in range(2):
        assert claimed(Runner(db, f"doomed {number}"), db, job_id) is not None
        expire(db, job_id)
    assert Runner(db, "third").run(job_id)
    assert not inside.is_set()
    found = row(db, job_id)
    assert (found.state, found.epoch, found.lease_until) == ("dead", 3, None)
    assert "CrashLoop" in (found.last_error or "")
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.delete(found)


def test_what_a_job_failed_with_is_kept_without_its_secrets(db: Database) -> None:
    secret = "whsec_" + "QUJDRA" * 8
    job_id = enqueue(db, FAIL, secret=secret)
    Runner(db, "test").run(job_id)
    found = row(db, job_id)
    assert (found.state, "RuntimeError: the seller said [redacted]" in (found.last_error or "")) == ("dead", True)
    assert "ada@" not in (found.last_error or "")
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.delete(found)
