"""Jobs of people: what nobody needs any more is deleted."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, every, job
from marketplace.people.sessions import forget_ended_sessions
from marketplace.people.sign_in_limits import forget_old_counts

TIDY = "marketplace.people.tidy"


def register() -> None:
    """Register the hourly tidying."""

    @job(TIDY)
    def tidy(uow: UnitOfWork, _payload: Payload) -> None:
        forget_ended_sessions(uow)
        forget_old_counts(uow)

    every(timedelta(hours=1), TIDY)
