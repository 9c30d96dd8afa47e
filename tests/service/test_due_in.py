"""A worker that has nothing to do asks when it will have."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, job
from kernel.jobs.outbox import enqueue
from kernel.jobs.queries import due_in_s
from kernel.principal import SYSTEM

KIND, QUEUE = f"test.due.{uuid7().hex[-6:]}", "documents"


@job(KIND, queue=QUEUE)
def work(_uow: UnitOfWork, _payload: Payload) -> None:
    """Never run here."""


def test_the_nearest_of_pauses_and_leases_counts(db: Database) -> None:
    def seconds() -> float | None:
        return transact(db, SYSTEM, lambda uow: due_in_s(uow, [QUEUE]))

    def change(assignments: str) -> None:
        with unit_of_work(db, SYSTEM) as uow:
            uow.session.execute(text(f"UPDATE kernel.job SET {assignments} WHERE kind = :kind"), {"kind": KIND})

    with unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(text("DELETE FROM kernel.job WHERE queue = :queue"), {"queue": QUEUE})
    assert seconds() is None
    with unit_of_work(db, SYSTEM) as uow:
        enqueue(uow, KIND, {}, dedupe_key=str(uuid7()), run_at=clock.now() + timedelta(hours=1))
    paused = seconds()
    assert paused is not None
    assert 0 < paused <= 3600
    change("state = 'running', lease_until = clock_timestamp() + interval '10 minutes'")
    leased = seconds()
    assert leased is not None
    assert 0 < leased <= 600
    change("lease_until = clock_timestamp() - interval '1 second'")
    over = seconds()
    assert over is not None
    assert over < 0
    change("state = 'dead'")
    assert seconds() is None
