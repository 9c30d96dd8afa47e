"""The books are held against what stands beside them every half an hour, so that a cent is found within the hour."""

from __future__ import annotations

from datetime import timedelta

from billing.reconciliation.reconcile import reconcile
from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep

RECONCILE = "billing.reconciliation.reconcile"


def register() -> None:
    """Register the sweep."""

    @sweep(RECONCILE, every=timedelta(minutes=30))
    def sweep_legs(transact: Transact) -> None:
        reconcile(transact)
