"""Counts what a process asks of PostgreSQL, at the driver: transactions, and the statements in each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from kernel.db.uow import Database


@dataclass
class Count:
    """What was asked meanwhile. BEGIN, COMMIT and the one statement that sets the scope of a transaction are not in it."""

    transactions: int = 0
    statements: list[str] = field(default_factory=list)

    @property
    def figures(self) -> tuple[int, int]:
        """Transactions committed, statements."""
        return self.transactions, len(self.statements)


_counts: list[Count] = []


class _CountingCursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        if "set_config" not in str(query):
            for count in _counts:
                count.statements.append(" ".join(str(query).split())[:90])
        return super().execute(query, params, **options)


@contextmanager
def counting(db: Database, patch: pytest.MonkeyPatch) -> Iterator[Count]:
    """Count what goes through the connections of `db` until the block ends."""

    def count_cursors(connection: Any, *_: object) -> None:
        connection.cursor_factory = _CountingCursor

    commit = psycopg.Connection.commit

    def counting_commit(connection: psycopg.Connection[Any]) -> None:
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            for count in _counts:
                count.transactions += 1
        commit(connection)

    count = Count()
    db.dispose()
    event.listen(db.engine, "connect", count_cursors)
    with patch.context() as patched:
        patched.setattr(psycopg.Connection, "commit", counting_commit)
        _counts.append(count)
        try:
            yield count
        finally:
            _counts.remove(count)
            event.remove(db.engine, "connect", count_cursors)
            db.dispose()
