"""Retention: purge idempotency keys long past their time."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.idempotency import purge_old_keys
from kernel.jobs.kinds import sweep

BATCH = 5_000
"""Rows in one transaction: however much has gathered, no statement runs into its time limit."""


def register() -> None:
    """Register the hourly purge."""

    @sweep("kernel.retention", every=timedelta(hours=1))
    def purge(transact: Transact) -> None:
        while transact(lambda uow: purge_old_keys(uow, BATCH)) == BATCH:
            continue
