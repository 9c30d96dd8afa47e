"""The periodic work that keeps partitions: an installation whose processes know the owner's address needs no cron."""

from __future__ import annotations

from datetime import timedelta

import structlog

from kernel.db.uow import Transact
from kernel.jobs.kinds import forget_sweep, sweep

PARTITIONS = "app.partitions.retain"


def register(admin_url: str | None) -> None:
    """Register it; without the owner's address there is nothing to do here (`market retention` is run by cron instead)."""
    if admin_url is None:
        forget_sweep(PARTITIONS)
        return

    @sweep(PARTITIONS, every=timedelta(hours=6))
    def retain(_: Transact) -> None:
        retain_partitions(admin_url)


log = structlog.get_logger(__name__)


def retain_partitions(admin_url: str) -> list[str]:
    """Make the months that are missing and drop those past their retention, each table in its own short transaction.

    Returns the names of the dropped partitions. Whatever fails is left for the next time: all of it is idempotent.
    """
    # Alembic, which only this needs of all that a process does, takes a while to load.
    from app.database_schema import as_owner
    from migrations.partitions import add_months_ahead, drop_expired, partitioned_tables

    dropped: list[str] = []
    for table in partitioned_tables():
        with as_owner(admin_url) as connection:
            made = add_months_ahead(connection, [table])
            gone = drop_expired(connection, table)
        if made or gone:
            log.info("partitions_retained", table=table.fullname, made=made, dropped=gone)
        dropped += gone
    return dropped
