"""The ledger's own job: a seal a day."""

from __future__ import annotations

from datetime import timedelta

from billing.ledger.seal import seal_day
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, every, job

SEAL = "billing.ledger.seal"


def register() -> None:
    """Register the sealing job, tried every hour and done once a day."""

    @job(SEAL)
    def seal(uow: UnitOfWork, _payload: Payload) -> None:
        seal_day(uow)

    every(timedelta(hours=1), SEAL)
