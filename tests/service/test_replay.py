"""A job that was given up runs again by an operator's hand, and only by that."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.errors import Forbidden, NotFound
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, job
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.jobs.runner import Runner, replay
from kernel.principal import SYSTEM, Principal, PrincipalKind

OPERATOR = Principal(PrincipalKind.OPERATOR, permissions=frozenset({"operator.jobs"}), label="test")
KIND = f"test.replayed.{uuid7().hex[-6:]}"
ran: list[str] = []


@job(KIND, queue="media", max_attempts=1)
def work(_uow: UnitOfWork, payload: Payload) -> None:
    ran.append(payload["word"])
    if len(ran) == 1:
        raise RuntimeError("the first try fails")


def test_dead_job_runs_again_with_all_its_attempts(db: Database) -> None:
    ran.clear()
    with unit_of_work(db, SYSTEM) as uow:
        job_id = enqueue(uow, KIND, {"word": "x"}, dedupe_key=str(uuid7()))
    runner = Runner(db, "test")
    runner.run(job_id)
    with unit_of_work(db, SYSTEM) as uow:
        assert uow.session.get_one(Job, job_id).state == "dead"
    with pytest.raises(Forbidden), unit_of_work(db, Principal(PrincipalKind.OPERATOR)) as uow:
        replay(uow, job_id)
    with unit_of_work(db, OPERATOR) as uow:
        replay(uow, job_id)
    runner.run(job_id)
    with unit_of_work(db, SYSTEM) as uow:
        assert uow.session.get(Job, job_id) is None
    assert ran == ["x", "x"]


def test_a_job_that_is_not_dead_is_left_alone(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        job_id = enqueue(uow, KIND, {"word": "y"}, dedupe_key=str(uuid7()))
    with pytest.raises(NotFound, match="job_not_dead"), unit_of_work(db, OPERATOR) as uow:
        replay(uow, job_id)
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(delete(Job).where(Job.id == job_id))
