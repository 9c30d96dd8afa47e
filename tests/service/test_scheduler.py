"""Sweeps: once in each of their intervals, whatever one of them does; and a row that cannot be settled stops no other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app import scheduler
from app.scheduler import tick
from kernel import clock
from kernel.db.uow import Database, Transact
from kernel.jobs.kinds import Sweep
from kernel.jobs.settle_each import settle_each


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


@pytest.fixture
def uow_transact(db: Database) -> Transact:
    from functools import partial

    from kernel.db.uow import transact
    from kernel.principal import SYSTEM

    return partial(transact, db, SYSTEM)
