"""Months ahead for the tables that grow without end. Whoever migrates makes them: the serving role owns nothing."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from sqlalchemy import Connection, text

from kernel import clock
from migrations.metadata import metadata

MONTHS = 15
"""The present month and those after it."""


def add_months_ahead(connection: Connection) -> list[str]:
    """Make the monthly partitions that are missing; returns their names.

    A month of which the default partition has rows already stays there (a sandbox's clock may have run far ahead):
    nothing is lost by it but the ease of dropping that month.
    """
    # As every revision: rather fail than make the service wait behind somebody's long transaction.
    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    known = set(connection.scalars(text("SELECT inhrelid::regclass::text FROM pg_inherits")))
    made = []
    for table in metadata.sorted_tables:
        range_by = table.dialect_options["postgresql"].get("partition_by")
        for month, after in _months(clock.today()) if range_by else ():
            name = f"{table.fullname}_p{month:%Y%m}"
            column = str(range_by).removeprefix("RANGE (").removesuffix(")")
            if name not in known and not _has_rows(connection, table.fullname, column, month, after):
                # With their zone: the bounds do not depend on where the server lives.
                bounds = f"FROM ('{month} 00:00+00') TO ('{after} 00:00+00')"
                connection.execute(text(f"CREATE TABLE {name} PARTITION OF {table.fullname} FOR VALUES {bounds}"))
                made.append(name)
    return made


def _months(today: date) -> list[tuple[date, date]]:
    firsts = [
        date(today.year + index // 12, index % 12 + 1, 1) for index in range(today.month - 1, today.month + MONTHS)
    ]
    return list(pairwise(firsts))


def _has_rows(connection: Connection, table: str, column: str, month: date, after: date) -> bool:
    inside = f"{column} >= '{month} 00:00+00' AND {column} < '{after} 00:00+00'"
    return bool(connection.scalar(text(f"SELECT EXISTS (SELECT 1 FROM {table}_default WHERE {inside})")))
