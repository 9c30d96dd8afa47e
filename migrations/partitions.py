"""Monthly partitions of the tables that grow without end: made ahead, and dropped when nobody needs them any more.

Only the owner of the tables can do either: the serving role owns nothing. `market migrate` makes what is missing; the
scheduler, where it knows DATABASE_ADMIN_URL, or `market retention` does both, a table at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise

from sqlalchemy import Connection, Table, text

from kernel import clock
from migrations.metadata import metadata

MONTHS = 15
"""The present month and those after it."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many whole months rows are kept, None for ever; and why."""

    months: int | None
    reason: str


RETENTION = {
    "kernel.event": Retention(48, "transaction records: three years from the end of a deal that may run for one"),
    "kernel.state_history": Retention(48, "as events: it is what was done about a deal, and when"),
    "kernel.audit_entry": Retention(None, "who decided about money and rights: evidence, and small"),
    "kernel.job_attempt": Retention(6, "for finding out what went wrong; security law asks for six months of logs"),
    "fulfillment.run_attempt": Retention(48, "as events: it proves what was delivered"),
    "fulfillment.usage_event": Retention(
        48, "as events: what an invoice counts, until nobody can question it any more; the sums by day are kept"
    ),
    "marketplace.touchpoint": Retention(
        25, "what people looked at: two seasons to compare, no longer; a sale keeps its own"
    ),
}
"""What else grows is kept for ever: the books, documents and agreements are records of law and are never partitioned away."""


def kept_since(table: str) -> datetime | None:
    """The first instant of which every row is still there; None when rows are kept for ever."""
    months = RETENTION[table].months
    return None if months is None else datetime.combine(_first(clock.today(), -months), time(), UTC)


def partitioned_tables() -> list[Table]:
    """The tables that are partitioned by month."""
    return [table for table in metadata.sorted_tables if _range_column(table)]


def add_months_ahead(connection: Connection, tables: list[Table] | None = None) -> list[str]:
    """Make the monthly partitions that are missing; returns their names.

    A month of which the default partition has rows already stays there (a sandbox's clock may have run far ahead):
    it goes with the default partition, once nothing in that is needed.
    """
    # As every revision: rather fail than make the service wait behind somebody's long transaction.
    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    made = []
    for table in partitioned_tables() if tables is None else tables:
        known = set(_partitions(connection, table))
        if not known:
            # Of an older revision, which has no such table yet: each has a default partition from the beginning.
            continue
        for month, after in _months(clock.today()):
            name = f"{table.fullname}_p{month:%Y%m}"
            if name not in known and not _has_rows(connection, table, month, after):
                # With their zone: the bounds do not depend on where the server lives.
                bounds = f"FROM ('{month} 00:00+00') TO ('{after} 00:00+00')"
                connection.execute(text(f"CREATE TABLE {name} PARTITION OF {table.fullname} FOR VALUES {bounds}"))
                made.append(name)
    return made


def drop_expired(connection: Connection, table: Table) -> list[str]:
    """Drop the partitions of `table` that hold only rows past their retention; returns their names.

    Nothing is deleted row by row, so the triggers that keep rows from being changed stay as they are.
    """
    since = kept_since(table.fullname)
    if since is None:
        return []
    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    oldest_kept = f"{table.fullname}_p{since:%Y%m}"
    months = [name for name in _partitions(connection, table) if not name.endswith("_default")]
    dropped = sorted(name for name in months if name < oldest_kept)
    for name in dropped:
        connection.execute(text(f"DROP TABLE {name}"))
    default = f"{table.fullname}_default"
    newest = text(f"SELECT max({_range_column(table)}) < :since FROM {default}")
    if connection.scalar(newest, {"since": since}):
        # Asked again under the lock, before which somebody may have written a row.
        connection.execute(text(f"LOCK TABLE {table.fullname} IN ACCESS EXCLUSIVE MODE"))
    if connection.scalar(newest, {"since": since}):
        connection.execute(text(f"DROP TABLE {default}"))
        connection.execute(text(f"CREATE TABLE {default} PARTITION OF {table.fullname} DEFAULT"))
        dropped.append(default)
    return dropped


def _range_column(table: Table) -> str:
    """The column by which a table is partitioned; empty when it is not."""
    return str(table.dialect_options["postgresql"].get("partition_by") or "").removeprefix("RANGE (").removesuffix(")")


def _partitions(connection: Connection, table: Table) -> Iterator[str]:
    found = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:name)")
    yield from connection.scalars(found, {"name": table.fullname})


def _first(today: date, months: int) -> date:
    """The first day of the month so many months from today's."""
    index = today.year * 12 + today.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _months(today: date) -> list[tuple[date, date]]:
    return list(pairwise(_first(today, months) for months in range(MONTHS + 1)))


def _has_rows(connection: Connection, table: Table, month: date, after: date) -> bool:
    column = _range_column(table)
    inside = f"{column} >= '{month} 00:00+00' AND {column} < '{after} 00:00+00'"
    return bool(connection.scalar(text(f"SELECT EXISTS (SELECT 1 FROM {table.fullname}_default WHERE {inside})")))
