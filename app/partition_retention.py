"""The periodic work that keeps partitions: an installation whose processes know the owner's address needs no cron."""

from __future__ import annotations

from datetime import timedelta

from app.commands.retention import retain_partitions
from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep

PARTITIONS = "app.partitions.retain"


def register(admin_url: str | None) -> None:
    """Register it; without the owner's address there is nothing to do here (`market retention` is run by cron instead)."""
    if admin_url is None:
        return

    @sweep(PARTITIONS, every=timedelta(hours=6))
    def retain(_: Transact) -> None:
        retain_partitions(admin_url)
