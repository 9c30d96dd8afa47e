"""The ledger's own job: a seal a day."""

from __future__ import annotations

from datetime import timedelta

from billing.ledger.seal import seal_day
from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep

SEAL = "billing.ledger.seal"


def register() -> None:
    """Register the sealing sweep, tried every hour and done once a day."""

    @sweep(SEAL, every=timedelta(hours=1))
    def seal(transact: Transact) -> None:
        transact(seal_day)
