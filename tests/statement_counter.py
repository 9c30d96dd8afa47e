"""Counts what a process asks of PostgreSQL, at the driver: transactions, their statements, and the round trips for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from kernel.db.cursor import BEGIN, COMMIT, ROLLBACK, AskedRows, Cursor


@dataclass
class Count:
    """What was asked meanwhile. BEGIN, COMMIT and the one statement that sets the scope of a transaction are not in it."""

    transactions: int = 0
    trips: int = 0
    statements: list[str] = field(default_factory=list)

    @property
    def figures(self) -> tuple[int, int, int]:
        """Transactions committed, statements, round trips."""
        return self.transactions, len(self.statements), self.trips


_counts: list[Count] = []


@contextmanager
def counting(patch: pytest.MonkeyPatch) -> Iterator[Count]:
    """Count what this process asks until the block ends."""
    execute, queue, queue_for, flush = psycopg.Cursor.execute, Cursor.queue, Cursor.queue_for, Cursor.flush

    def note(query: object) -> None:
        sql = " ".join(str(query).split())
        if sql not in {BEGIN, COMMIT, ROLLBACK} and "set_config" not in sql:
            for one in _counts:
                one.statements.append(sql[:90])

    def counting_execute(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        note(query)
        return execute(cursor, query, params, **options)

    def counting_queue(cursor: Cursor, sql: str, values: Any = ()) -> None:
        note(sql)
        queue(cursor, sql, values)

    def counting_queue_for(cursor: Cursor, sql: str, values: Any = ()) -> AskedRows:
        note(sql)
        return queue_for(cursor, sql, values)

    def counting_flush(cursor: Cursor) -> None:
        for one in _counts:
            one.trips += cursor.has_queued
        flush(cursor)

    commit = Cursor.commit

    def counting_commit(cursor: Cursor) -> None:
        for count in _counts:
            count.transactions += 1
        commit(cursor)

    count = Count()
    with patch.context() as patched:
        patched.setattr(Cursor, "commit", counting_commit)
        patched.setattr(Cursor, "queue", counting_queue)
        patched.setattr(Cursor, "queue_for", counting_queue_for)
        patched.setattr(Cursor, "flush", counting_flush)
        patched.setattr(psycopg.Cursor, "execute", counting_execute)
        _counts.append(count)
        try:
            yield count
        finally:
            _counts.remove(count)
