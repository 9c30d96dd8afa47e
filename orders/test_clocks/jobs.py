"""Jobs of test clocks: driving one, and finding those whose driver died."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from kernel.db.uow import Database, Transact, UnitOfWork
from kernel.jobs.kinds import call, sweep
from kernel.jobs.models import Job
from kernel.jobs.outbox import DRIVE_CLOCK
from marketplace.test_clocks.models import TestClock
from marketplace.test_clocks.move_test_clock import wake_driver
from orders.test_clocks.drive import DriveClock, drivers_wanted

SWEEP_CLOCKS = "orders.test_clocks.sweep"


def register(db: Database) -> None:
    """Register them over this process's database."""
    call(DRIVE_CLOCK, max_attempts=30)(DriveClock(db))

    @sweep(SWEEP_CLOCKS, every=timedelta(seconds=5))
    def wake(transact: Transact) -> None:
        transact(wake_drivers)


def wake_drivers(uow: UnitOfWork) -> None:
    """A driver for each clock that waits for one and has none."""
    for row in drivers_wanted(uow):
        if not _has_driver(uow, row):
            wake_driver(uow, row)


def _has_driver(uow: UnitOfWork, row: TestClock) -> bool:
    found = select(Job.id).where(
        Job.kind == DRIVE_CLOCK, Job.state.in_(("ready", "running")), Job.payload["clock_id"].astext == str(row.id)
    )
    return uow.session.scalar(found.limit(1)) is not None
