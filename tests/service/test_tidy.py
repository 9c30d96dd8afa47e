"""What may be forgotten is, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

import kernel.jobs.retention
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.idempotency import KEPT, Answer, IdempotencyKey, forget_old, with_idempotency_key
from kernel.ids import uuid7
from kernel.jobs.kinds import SLOT
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.jobs.retention import SLOTS_KEPT, TIDY, forget_slots
from kernel.jobs.runner import Runner
from kernel.principal import SYSTEM
from tests.factories_marketplace import acting, make_org

TICK = timedelta(seconds=1)


def finished(uow: UnitOfWork, dedupe_key: str, ago: timedelta, state: str = "done") -> UUID:
    job_id = enqueue(uow, TIDY, {}, dedupe_key=dedupe_key)
    uow.settle()
    values = {"state": state, "finished_at": clock.now() - ago if state in ("done", "dead") else None}
    uow.session.execute(update(Job).where(Job.id == job_id).values(**values))
    return job_id


def test_slots_worked_off_are_forgotten_after_a_day(uow: UnitOfWork, noon: datetime) -> None:
    old = finished(uow, f"{SLOT}1", SLOTS_KEPT + TICK)
    kept = {
        finished(uow, f"{SLOT}2", SLOTS_KEPT - TICK),
        finished(uow, f"{SLOT}3", SLOTS_KEPT + TICK, "dead"),
        finished(uow, f"{SLOT}4", SLOTS_KEPT + TICK, "ready"),
        finished(uow, str(uuid7()), SLOTS_KEPT + TICK),
    }
    assert forget_slots(uow, 5) == 1
    assert set(uow.session.scalars(select(Job.id).where(Job.id.in_(kept | {old})))) == kept


def test_idempotency_keys_are_forgotten_when_twice_their_time_is_over(uow: UnitOfWork, noon: datetime) -> None:
    buyer = make_org(uow)
    with acting(uow, buyer.owner):
        for key, age in (("old", 2 * KEPT + TICK), ("expired", 2 * KEPT - TICK)):
            with_idempotency_key(uow, route="r", key=key, request={}, work=lambda: Answer(201, {}))
            mine = (IdempotencyKey.org_id == buyer.id, IdempotencyKey.key == key)
            uow.session.execute(update(IdempotencyKey).where(*mine).values(created_at=clock.now() - age))
    assert forget_old(uow, 5) == 1
    left = select(IdempotencyKey.key).where(IdempotencyKey.org_id == buyer.id)
    assert list(uow.session.scalars(left)) == ["expired"]


def test_as_often_as_there_is_something_left(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel.jobs.retention, "BATCH", 2)
    with unit_of_work(db, SYSTEM) as uow:
        old = [finished(uow, f"{SLOT}{uuid7()}", SLOTS_KEPT + TICK) for _ in range(5)]
        job_id = enqueue(uow, TIDY, {}, dedupe_key=str(uuid7()))
    assert Runner(db, "test").run(job_id)
    with unit_of_work(db, SYSTEM) as uow:
        assert uow.session.get_one(Job, job_id).state == "done"
        assert list(uow.session.scalars(select(Job.id).where(Job.id.in_(old)))) == []
