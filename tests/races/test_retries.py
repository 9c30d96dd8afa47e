"""A unit of work that loses to another runs again from the start: what it did is there once, and told once, after its commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.embedded.engines import Addresses
from kernel.db.uow import ATTEMPTS, Database, JobSignal, UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, job
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.principal import SYSTEM

KIND, QUEUE = "test.retries", f"test-{uuid7().hex[-6:]}"
LOSES = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{}'; END $$"
"""Said by the server as the last thing before the commit."""


@job(KIND, queue=QUEUE)
def never(_uow: object, payload: Payload) -> None:
    raise AssertionError(payload)


@pytest.fixture
def told() -> list[JobSignal]:
    return []


@pytest.fixture
def pool(addresses: Addresses, told: list[JobSignal]) -> Iterator[Database]:
    """A pool of its own, which keeps what workers would be signalled."""
    own = Database(addresses.database_url)
    own.notify = told.extend
    yield own
    with unit_of_work(own, SYSTEM) as uow:
        uow.session.execute(text("DELETE FROM kernel.job WHERE queue = :queue"), {"queue": QUEUE})
    own.dispose()


def stored(db: Database) -> list[str]:
    with unit_of_work(db, SYSTEM) as uow:
        return sorted(uow.session.scalars(select(Job.dedupe_key).where(Job.queue == QUEUE)))


def keys_of(db: Database, signals: list[JobSignal]) -> list[str]:
    with unit_of_work(db, SYSTEM) as uow:
        return sorted(uow.session.get_one(Job, signal.job_id).dedupe_key for signal in signals)


def test_of_two_that_wait_for_each_other_both_are_done_once(pool: Database, told: list[JobSignal]) -> None:
    first, second = uuid7().int % 2**31, uuid7().int % 2**31
    met, tries = threading.Barrier(2), {"a": 0, "b": 0}

    def work(name: str, mine: int, others: int) -> None:
        def once(uow: UnitOfWork) -> None:
            tries[name] += 1
            enqueue(uow, KIND, {}, dedupe_key=name)
            uow.cursor.execute("SELECT pg_advisory_xact_lock($1)", (mine,))
            if tries[name] == 1:
                met.wait(30)  # each holds what the other wants
            uow.cursor.execute("SELECT pg_advisory_xact_lock($1)", (others,))

        transact(pool, SYSTEM, once)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(work, "a", first, second), threads.submit(work, "b", second, first)]:
            done.result(60)
    assert sum(tries.values()) > 2, "nobody lost"
    assert stored(pool) == ["a", "b"]
    assert keys_of(pool, told) == ["a", "b"]


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
@pytest.mark.parametrize("losses", [1, ATTEMPTS - 1])
def test_what_fails_at_the_commit_is_done_again_and_told_once(
    pool: Database, told: list[JobSignal], sqlstate: str, losses: int
) -> None:
    tries = 0

    def once(uow: UnitOfWork) -> None:
        nonlocal tries
        tries += 1
        enqueue(uow, KIND, {"try": tries}, dedupe_key="only")
        uow.after_commit(lambda: told.append(JobSignal(QUEUE, uuid7(), "after")))
        if tries <= losses:
            uow.execute_deferred(LOSES.format(sqlstate), ())

    transact(pool, SYSTEM, once)
    assert tries == losses + 1
    assert stored(pool) == ["only"]
    assert [signal.kind for signal in told] == [KIND, "after"]
    with unit_of_work(pool, SYSTEM) as uow:
        assert uow.session.scalars(select(Job.payload).where(Job.queue == QUEUE)).one() == {"try": tries}


@pytest.mark.parametrize(("sqlstate", "expected"), [("40001", ATTEMPTS), ("23514", 1), ("XX000", 1)])
def test_what_is_never_committed_is_never_told(
    pool: Database, told: list[JobSignal], sqlstate: str, expected: int
) -> None:
    tries = 0

    def once(uow: UnitOfWork) -> None:
        nonlocal tries
        tries += 1
        enqueue(uow, KIND, {}, dedupe_key="lost")
        uow.after_commit(lambda: told.append(JobSignal(QUEUE, uuid7(), "after")))
        uow.execute_deferred(LOSES.format(sqlstate), ())

    with pytest.raises(DBAPIError):
        transact(pool, SYSTEM, once)
    assert tries == expected
    assert (stored(pool), told) == ([], [])
