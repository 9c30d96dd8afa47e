"""Digests, and forgetting what was read long ago; registered once by the composition."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from kernel.jobs.settle_each import settle_each
from marketplace.notifications.digest import due_digests, send_digest
from marketplace.notifications.mark_read import BATCH, purge_old_notifications

DIGESTS = "marketplace.notifications.digests"
RETENTION = "marketplace.notifications.retention"


def register() -> None:
    """Register both sweeps."""

    @sweep(DIGESTS, every=timedelta(minutes=10))
    def digest(transact: Transact) -> None:
        settle_each(transact, due_digests, send_digest)

    @sweep(RETENTION, every=timedelta(hours=6))
    def purge(transact: Transact) -> None:
        while transact(purge_old_notifications) == BATCH:
            continue
