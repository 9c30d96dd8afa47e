"""What becomes of trainings by the clock."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from kernel.jobs.settle_each import settle_each
from marketplace.training.assign_training import remind, trainings_near_due

SWEEP_TRAININGS = "marketplace.trainings.remind"


def register() -> None:
    """Let members be reminded before the last day."""

    @sweep(SWEEP_TRAININGS, every=timedelta(minutes=10))
    def sweep_trainings(transact: Transact) -> None:
        settle_each(transact, trainings_near_due, remind)
