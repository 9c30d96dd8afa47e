"""Sweeps: once in each of their intervals, whatever one of them does; and a row that cannot be settled stops no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import text

from app import scheduler
from app.scheduler import between_steps, tick
from billing.gateways.janitor import JANITOR
from billing.shares.release import RELEASE
from kernel import clock, sandbox_history
from kernel.db.uow import Database, Transact, UnitOfWork
from kernel.jobs.kinds import Sweep
from kernel.jobs.settle_each import settle_each

T = TypeVar("T")


def test_each_sweep_once_in_its_interval_and_once_for_all_that_were_missed(
    db: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def note(name: str) -> Sweep:
        return Sweep(name, timedelta(minutes=1), lambda _transact: ran.append(name))

    monkeypatch.setattr(scheduler, "sweeps", lambda: [note("a"), note("b")])
    done: dict[str, int] = {}
    assert [tick(db, done), tick(db, done)] == [2, 0]
    clock.advance(timedelta(minutes=10))
    assert [tick(db, done), tick(db, done)] == [2, 0]
    assert ran == ["a", "b", "a", "b"]


def test_one_that_raises_keeps_no_other_waiting_and_comes_again(
    db: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def broken(_transact: Transact) -> None:
        ran.append("broken")
        raise ValueError("no good")

    pair = [
        Sweep("broken", timedelta(minutes=1), broken),
        Sweep("good", timedelta(minutes=1), lambda _: ran.append("good")),
    ]
    monkeypatch.setattr(scheduler, "sweeps", lambda: pair)
    done: dict[str, int] = {}
    tick(db, done)
    clock.advance(timedelta(minutes=1))
    tick(db, done)
    assert ran == ["broken", "good", "broken", "good"]


def test_a_row_that_cannot_be_settled_stops_no_other(uow_transact: Transact) -> None:
    settled: list[int] = []

    def settle(_uow: object, row: int) -> None:
        if row == 2:
            raise ValueError("no good")
        settled.append(row)

    assert settle_each(uow_transact, lambda _uow: [1, 2, 3], settle) == 3
    assert settled == [1, 3]


def test_of_those_that_are_settled_together_one_that_cannot_be_stops_no_other(uow_transact: Transact) -> None:
    """What shared a transaction with it is settled once more, alone, as nothing of that transaction has stayed."""
    tried: list[list[int]] = []

    def transact(work: Callable[[UnitOfWork], T]) -> T:
        tried.append([])
        return uow_transact(work)

    def settle(_uow: object, row: int) -> None:
        tried[-1].append(row)
        if row == 3:
            raise ValueError("no good")

    assert settle_each(transact, lambda _uow: [1, 2, 3, 4, 5], settle, together=2) == 5
    # The first found them.
    assert tried == [[], [1, 2], [3], [3], [4], [5]]


@pytest.fixture
def uow_transact(db: Database) -> Transact:
    from functools import partial

    from kernel.db.uow import transact
    from kernel.principal import SYSTEM

    return partial(transact, db, SYSTEM)


def test_the_calendar_waits_while_a_past_is_made_and_gateways_do_not(
    db: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def note(name: str) -> Sweep:
        return Sweep(name, timedelta(minutes=1), lambda _transact: ran.append(name))

    monkeypatch.setattr(scheduler, "sweeps", lambda: [note(RELEASE), note(JANITOR)])
    done: dict[str, int] = {}
    monkeypatch.setattr(sandbox_history, "percent_done", lambda: 40)
    assert tick(db, done) == 1
    monkeypatch.setattr(sandbox_history, "percent_done", lambda: None)
    assert tick(db, done) == 1
    assert ran == [JANITOR, RELEASE]


def test_a_sweep_waits_for_the_end_of_a_step_of_the_past(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_history, "percent_done", lambda: 40)
    key = {"key": sandbox_history.MAKING}
    options = {"isolation_level": "AUTOCOMMIT"}
    with (
        db.engine.connect().execution_options(**options) as maker,
        db.engine.connect().execution_options(**options) as own,
    ):
        own.execute(text("SET lock_timeout = '50ms'"))
        maker.execute(text("SELECT pg_advisory_lock(:key)"), key)
        with between_steps(own) as mine:
            assert not mine
        maker.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        with between_steps(own) as mine:
            assert mine
            assert not maker.scalar(text("SELECT pg_try_advisory_lock(:key)"), key)
        assert maker.scalar(text("SELECT pg_try_advisory_lock(:key)"), key)
        maker.execute(text("SELECT pg_advisory_unlock(:key)"), key)
