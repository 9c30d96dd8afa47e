"""The periodic work that keeps partitions: an installation whose processes know the owner's address needs no cron."""

from __future__ import annotations

from datetime import timedelta

from app.commands.retention import retain_partitions
from kernel.jobs.registry import Payload, every, process
from kernel.jobs.run import JobContext

PARTITIONS = "app.partitions.retain"


def register(admin_url: str | None) -> None:
    """Register it; without the owner's address there is nothing to do here (`market retention` is run by cron instead)."""

    @process(PARTITIONS)
    def retain(_: JobContext, __: Payload) -> None:
        if admin_url is not None:
            retain_partitions(admin_url)

    if admin_url is not None:
        every(timedelta(hours=6), PARTITIONS)
