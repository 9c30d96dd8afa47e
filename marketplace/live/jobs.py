"""Sweeps of live sessions, registered once by the composition."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from kernel.jobs.settle_each import settle_each
from marketplace.live.run_session import sessions_over, sessions_soon, settle_over, tell_soon

SWEEP_SOON = "marketplace.live.soon"
SWEEP_OVER = "marketplace.live.over"


def register() -> None:
    """Let reminders go out in time, and sessions end with their films."""

    @sweep(SWEEP_SOON, every=timedelta(seconds=30))
    def tell_of_sessions(transact: Transact) -> None:
        """Sessions that begin soon: whoever asked is told."""
        settle_each(transact, sessions_soon, tell_soon)

    @sweep(SWEEP_OVER, every=timedelta(seconds=5))
    def end_sessions(transact: Transact) -> None:
        """Sessions whose film is over end; those that nobody began are cancelled."""
        settle_each(transact, sessions_over, settle_over)
