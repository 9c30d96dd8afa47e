"""Sweeps of publishing, registered once by the composition."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from marketplace.publishing.schedule_video import publish_due

PUBLISH_DUE = "marketplace.publishing.publish_due"


def register() -> None:
    """Let videos be published when they are due."""

    @sweep(PUBLISH_DUE, every=timedelta(seconds=10))
    def publish_due_videos(transact: Transact) -> None:
        publish_due(transact)
