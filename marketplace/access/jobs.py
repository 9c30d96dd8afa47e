"""Jobs of people: what nobody needs any more is deleted."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from marketplace.access.email_proofs import purge_proofs
from marketplace.access.sessions import purge_ended_sessions
from marketplace.access.sign_in_limits import purge_old_counts

RETENTION = "marketplace.access.retention"


def register() -> None:
    """Register the hourly purge."""

    @sweep(RETENTION, every=timedelta(hours=1))
    def purge(transact: Transact) -> None:
        transact(purge_ended_sessions)
        transact(purge_old_counts)
        transact(purge_proofs)
