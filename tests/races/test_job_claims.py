"""Leases and epochs: one claimant at a time, and nothing is written by one that lost its claim."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select, text

from app.embedded.engines import Addresses
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Payload, call, job
from kernel.jobs.models import Inbox, Job, JobAttempt
from kernel.jobs.outbox import enqueue
from kernel.jobs.runner import Runner, due
from kernel.principal import SYSTEM
from tests.races.crowd import at_once, in_rounds
from tests.races.forced import Pause

pytestmark = pytest.mark.races
COUNT, STEPS, SLOW = "tests.races.count", "tests.races.steps", "tests.races.slow"
IDLE, FAILS, PICKY = "tests.races.idle", "tests.races.fails", "tests.races.picky"


PAUSES: dict[str, Pause] = {}


def write(uow: UnitOfWork, job_key: str, what: str) -> None:
    """An effect that a second run would double."""
    uow.session.add(
        Inbox(id=uuid7(), source=f"races:{job_key}", event_id=f"{what}:{uuid7()}", kind=what, body={}, state="ignored")
    )


@pytest.fixture(scope="module")
def pool(addresses: Addresses) -> Iterator[Database]:
    """Connections enough for every thread."""
    database = Database(addresses.database_url, pool_size=24, max_overflow=0)
    yield database
    database.dispose()


@job(COUNT)
def count(uow: UnitOfWork, payload: Payload) -> None:
    write(uow, payload["key"], "counted")


@job(SLOW)
def slow(uow: UnitOfWork, payload: Payload) -> None:
    write(uow, payload["key"], "before")
    uow.flush()
    PAUSES[payload["key"]].here()
    write(uow, payload["key"], "after")


@job(IDLE)
def idle(uow: UnitOfWork, payload: Payload) -> None:
    uow.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '300ms'"))
    slow(uow, payload)


@job(FAILS)
def fails(uow: UnitOfWork, payload: Payload) -> None:
    write(uow, payload["key"], "before")
    uow.flush()
    raise ValueError("no good")


class Steps:
    """A call to the outside world that stands still until it is let on."""

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> str:
        key: str = claim.payload["key"]
        write(uow, key, "intent")
        return key

    def call(self, request: str) -> None:
        PAUSES[request].here()

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: str, answer: None) -> None:
        write(uow, request, "outcome")


call(STEPS)(Steps())


@job(PICKY)
def picky(uow: UnitOfWork, payload: Payload) -> None:
    write(uow, payload["key"], "counted")
    if payload.get("fails"):
        uow.flush()
        raise ValueError("no good")


def queue(db: Database, kind: str, **payload: object) -> tuple[UUID, str]:
    key = str(uuid7())
    PAUSES[key] = Pause()
    with unit_of_work(db, SYSTEM) as uow:
        return enqueue(uow, kind, {"key": key, **payload}, dedupe_key=key), key


def effects(db: Database, key: str) -> Counter[str]:
    with unit_of_work(db, SYSTEM) as uow:
        rows = uow.session.execute(
            select(Inbox.kind, func.count()).where(Inbox.source == f"races:{key}").group_by(Inbox.kind)
        )
        return Counter({row[0]: row[1] for row in rows})


def let_lease_run_out(db: Database, job_id: UUID) -> None:
    """What six silent seconds do to a worker that a debugger, a full disk or a sleeping laptop stopped."""
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(
            text("UPDATE kernel.job SET lease_until = clock_timestamp() - interval '1 ms' WHERE id = :id"),
            {"id": job_id},
        )


def is_done(db: Database, job_id: UUID) -> bool:
    """What is done leaves the table."""
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.get(Job, job_id) is None


def outcomes(db: Database, job_id: UUID) -> list[tuple[str, str]]:
    with unit_of_work(db, SYSTEM) as uow:
        rows = uow.session.scalars(select(JobAttempt).where(JobAttempt.job_id == job_id).order_by(JobAttempt.id))
        return [(row.worker, row.outcome) for row in rows]


@in_rounds
def test_a_crowd_of_workers_runs_a_job_once(pool: Database) -> None:
    job_id, key = queue(pool, COUNT)
    told = at_once([lambda number=number: Runner(pool, f"w{number}").run(job_id) for number in range(16)])  # type: ignore[misc]
    assert sorted(told) == [False] * 15 + [True]
    assert effects(pool, key) == {"counted": 1}
    assert Runner(pool, "later").run(job_id) is False


def test_a_paused_worker_that_wakes_after_the_take_over_writes_nothing(pool: Database) -> None:
    job_id, key = queue(pool, STEPS)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(Runner(pool, "paused").run, job_id)
        assert PAUSES[key].reached.wait(30)
        assert Runner(pool, "second").run(job_id) is False
        let_lease_run_out(pool, job_id)
        assert Runner(pool, "second").run(job_id) is True
        written = effects(pool, key)
        assert written == {"intent": 2, "outcome": 1}
        PAUSES[key].go_on.set()
        assert first.result(30) is True
    assert effects(pool, key) == written
    assert ("paused", "lost") in outcomes(pool, job_id)
    assert is_done(pool, job_id)


def test_nor_does_one_that_wakes_while_the_other_is_at_work(pool: Database) -> None:
    job_id, key = queue(pool, STEPS)
    first_pause, second_pause = PAUSES[key], Pause()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(Runner(pool, "paused").run, job_id)
        assert first_pause.reached.wait(30)
        let_lease_run_out(pool, job_id)
        PAUSES[key] = second_pause
        second = threads.submit(Runner(pool, "second").run, job_id)
        assert second_pause.reached.wait(30)
        first_pause.go_on.set()
        assert first.result(30) is True
        assert effects(pool, key) == {"intent": 2}
        second_pause.go_on.set()
        assert second.result(30) is True
    assert effects(pool, key) == {"intent": 2, "outcome": 1}


def test_a_transaction_under_way_is_not_taken_over_even_when_its_lease_ran_out(pool: Database) -> None:
    job_id, key = queue(pool, SLOW)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(Runner(pool, "slow").run, job_id)
        assert PAUSES[key].reached.wait(30)
        taken: Callable[[], bool] = lambda: Runner(pool, "second").run(job_id)  # noqa: E731 - said once, asked twice
        assert taken() is False
        PAUSES[key].go_on.set()
        assert first.result(30) is True
        assert taken() is False
    assert effects(pool, key) == {"before": 1, "after": 1}


def test_a_worker_paused_in_its_transaction_loses_it_and_the_job_is_done_once(pool: Database) -> None:
    job_id, key = queue(pool, IDLE)
    with ThreadPoolExecutor(1) as threads:
        paused = threads.submit(Runner(pool, "paused").run, job_id)
        assert PAUSES[key].reached.wait(30)
        until = time.monotonic() + 30
        while not Runner(pool, "second").run(job_id):  # the server has not yet ended the idle transaction
            assert time.monotonic() < until
            time.sleep(0.05)
        PAUSES[key].go_on.set()
        assert paused.result(30) is True
    assert effects(pool, key) == {"before": 1, "after": 1}
    assert is_done(pool, job_id)
    assert outcomes(pool, job_id) == [("paused", "lost")]


def test_a_job_that_fails_in_its_transaction_leaves_nothing_but_its_count(pool: Database) -> None:
    job_id, key = queue(pool, FAILS)
    assert Runner(pool, "only").run(job_id) is True
    assert effects(pool, key) == {}
    with unit_of_work(pool, SYSTEM) as uow:
        row = uow.session.get_one(Job, job_id)
        assert (row.state, row.attempts, row.epoch) == ("ready", 1, 1)
        assert row.run_at > row.created_at
        assert "no good" in (row.last_error or "")
    assert outcomes(pool, job_id) == [("only", "retry")]


def test_a_connection_the_server_closed_is_replaced_before_anything_is_done(pool: Database) -> None:
    with unit_of_work(pool, SYSTEM) as uow:
        mine = uow.session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(pool.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as other:
        other.execute("SELECT pg_terminate_backend(%s::integer, 5000)", (mine,))
    for _ in range(pool.engine.pool.size()):  # type: ignore[attr-defined]
        with unit_of_work(pool, SYSTEM) as uow:
            assert uow.session.scalar(text("SELECT pg_backend_pid()")) != mine


def test_a_sweep_leaves_a_new_job_to_who_is_signalled_but_not_one_that_nobody_heard_of(pool: Database) -> None:
    fresh, _ = queue(pool, COUNT)
    late, _ = queue(pool, COUNT)
    with unit_of_work(pool, SYSTEM) as uow:
        uow.session.execute(
            text("UPDATE kernel.job SET created_at = created_at - interval '1 hour' WHERE id = :id"), {"id": late}
        )

    def found(unheard_for: timedelta) -> set[UUID]:
        return {signal.job_id for signal in due(pool, ["default"], 10_000, unheard_for=unheard_for)} & {fresh, late}

    assert found(timedelta(hours=1)) == {late}
    assert found(timedelta()) == {fresh, late}
    for job_id in (fresh, late):
        assert Runner(pool, "any").run(job_id)


def test_of_two_jobs_with_one_key_only_the_first_is_inserted_and_signalled(pool: Database) -> None:
    key = str(uuid7())
    with unit_of_work(pool, SYSTEM) as uow:
        first = enqueue(uow, COUNT, {"key": key}, dedupe_key=key)
    with unit_of_work(pool, SYSTEM) as uow:
        enqueue(uow, COUNT, {"key": key}, dedupe_key=key)
        twice = [enqueue(uow, COUNT, {"key": key}, dedupe_key=f"{key}:2") for _ in range(2)]
        uow.flush_outbox()
        assert [bool(uow.session.get(Job, job_id)) for job_id in twice] == [True, False]
    for job_id in (first, *twice):
        Runner(pool, "any").run(job_id)
    assert effects(pool, key) == {"counted": 2}


def test_in_a_batch_one_that_fails_takes_no_other_with_it(pool: Database) -> None:
    good = [queue(pool, PICKY) for _ in range(3)]
    bad, bad_key = queue(pool, PICKY, fails=True)
    assert Runner(pool, "batch").run_batch([good[0][0], bad, good[1][0], good[2][0]]) == 4
    assert [effects(pool, key) for _, key in good] == [{"counted": 1}] * 3
    assert effects(pool, bad_key) == {}
    assert [is_done(pool, job_id) for job_id, _ in good] == [True] * 3
    assert outcomes(pool, bad) == [("batch", "retry")]


def test_a_batch_of_calls_is_concluded_together_and_only_by_who_holds_them(pool: Database) -> None:
    calls = [queue(pool, STEPS) for _ in range(3)]
    for _, key in calls:
        PAUSES[key].reached.set()
    slow, quick = Runner(pool, "slow"), Runner(pool, "quick")
    count, prepared = slow.begin([job_id for job_id, _ in calls])
    assert (count, len(prepared)) == (3, 3)
    for run in prepared:
        slow.call(run)
    let_lease_run_out(pool, calls[1][0])
    assert quick.run(calls[1][0])
    slow.conclude(prepared)
    assert [effects(pool, key)["outcome"] for _, key in calls] == [1, 1, 1]
    assert effects(pool, calls[1][1])["intent"] == 2
    assert outcomes(pool, calls[1][0]) == [("quick", "done"), ("slow", "lost")]
    assert all(is_done(pool, job_id) for job_id, _ in calls)
