"""Slots of periodic jobs: once each, and no heap of them while no worker is there."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from app import scheduler
from app.scheduler import tick
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, Periodic, job
from kernel.jobs.models import Job
from kernel.jobs.runner import drain
from kernel.principal import SYSTEM

KIND, QUEUE = f"test.sweep.{uuid7().hex[-6:]}", f"test-{uuid7().hex[-6:]}"


@job(KIND, queue=QUEUE)
def sweep(_uow: UnitOfWork, _: Payload) -> None:
    return


def count(db: Database) -> int:
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.scalar(select(func.count()).where(Job.kind == KIND)) or 0


def test_each_slot_once_and_none_while_one_waits(db: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "periodic", lambda: [Periodic(KIND, timedelta(minutes=1))])
    for _ in range(2):
        tick(db, {})
    assert count(db) == 1
    clock.advance(timedelta(minutes=10))
    tick(db, {})
    assert count(db) == 1
    assert drain(db, queues=[QUEUE]) == 1
    tick(db, {})
    tick(db, {})
    assert count(db) == 2
    assert drain(db, queues=[QUEUE]) == 1
