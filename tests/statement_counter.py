"""Counts what a process asks of PostgreSQL, at the driver: transactions, and the statements in each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest


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


@contextmanager
def counting(patch: pytest.MonkeyPatch) -> Iterator[Count]:
    """Count what this process asks until the block ends."""
    execute = psycopg.Cursor.execute

    def counting_execute(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        if "set_config" not in str(query):
            for one in _counts:
                one.statements.append(" ".join(str(query).split())[:90])
        return execute(cursor, query, params, **options)

    commit = psycopg.Connection.commit

    def counting_commit(connection: psycopg.Connection[Any]) -> None:
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            for count in _counts:
                count.transactions += 1
        commit(connection)

    count = Count()
    with patch.context() as patched:
        patched.setattr(psycopg.Connection, "commit", counting_commit)
        patched.setattr(psycopg.Cursor, "execute", counting_execute)
        _counts.append(count)
        try:
            yield count
        finally:
            _counts.remove(count)
