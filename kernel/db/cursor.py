"""Prepared statements straight on libpq: what a transaction asks, at the price of the protocol.

psycopg's own cursors cost a statement more in Python than PostgreSQL takes to answer it. Here a statement is sent as
`Prepare` once a connection and `Bind`/`Execute` ever after; whatever waits to be asked goes out together, in one pipeline and
one round trip, with the first statement whose rows are wanted. psycopg still adapts the values, both ways, and still owns the
connection: a Session may use it in the same transaction.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec
import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Engine, PoolProxiedConnection

from kernel.db.constraints import as_sqlalchemy

# An int is sent as BIGINT whatever its value: otherwise each width would be prepared as a statement of its own.
psycopg.adapters.register_dumper(int, Int8Dumper)
set_json_dumps(msgspec.json.encode)
set_json_loads(msgspec.json.decode)

Values = Sequence[Any]
BEGIN, COMMIT, ROLLBACK = "BEGIN", "COMMIT", "ROLLBACK"
_OK = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})
_names = count(1)
_Key = tuple[str, tuple[int, ...]]
"""The text of a statement, and the types of its parameters."""


class AskedRows:
    """The rows of a statement that was asked ahead: there once the cursor has been flushed."""

    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: pq.abc.PGresult | None = None


class Cursor:
    """The statements of one connection. Not thread safe, as the connection is not.

    A statement is written with PostgreSQL's own placeholders, $1 and on. Statements of a text are prepared once for each
    set of parameter types.
    """

    __slots__ = ("_adapt", "_pgconn", "_poll", "_prepared", "_queue", "_result")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._pgconn = connection.pgconn
        self._adapt = Transformer(connection)
        self._poll = select.poll()
        self._poll.register(self._pgconn.socket, select.POLLIN)
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._queue: list[tuple[str, Values, AskedRows | None]] = []
        self._result: pq.abc.PGresult | None = None

    @classmethod
    def of(cls, pooled: PoolProxiedConnection) -> Cursor:
        """The one cursor of a pooled connection, which knows what is prepared on it."""
        found: Cursor | None = pooled.info.get("cursor")
        if found is None:
            connection: psycopg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
            found = pooled.info["cursor"] = cls(connection)
        return found

    @property
    def is_lost(self) -> bool:
        """Whether the server has closed the connection, as far as can be told without asking it."""
        try:
            # What it had to say first, then the end.
            while self._poll.poll(0):
                self._pgconn.consume_input()
        except psycopg.OperationalError:
            return True
        return self._pgconn.status != pq.ConnStatus.OK

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, a failed one included."""
        return self._pgconn.transaction_status != pq.TransactionStatus.IDLE

    @property
    def has_queued(self) -> bool:
        """Whether anything waits to be asked."""
        return bool(self._queue)

    def queue(self, sql: str, values: Values = ()) -> None:
        """Ask this before whatever is asked next; nobody looks at its rows. What it raises, the next one raises."""
        self._queue.append((sql, values, None))

    def queue_for(self, sql: str, values: Values = ()) -> AskedRows:
        """Ask this before whatever is asked next, and keep its rows for `rows_of`."""
        answer = AskedRows()
        self._queue.append((sql, values, answer))
        return answer

    def execute(self, sql: str, values: Values = ()) -> Cursor:
        """Ask, and wait for the answer. Raises psycopg.Error."""
        self.queue(sql, values)
        self.flush()
        return self

    def flush(self) -> None:
        """Ask what was queued, in one round trip. Raises psycopg.Error for the first that failed; none after it was run."""
        queue, self._queue = self._queue, []
        if queue:
            self._result = self._ask(queue)

    def end(self) -> None:
        """Leave nothing behind: drop what was queued, roll back what was not committed. Never raises."""
        self._queue.clear()
        if self._pgconn.status == pq.ConnStatus.OK and self.in_transaction:
            # A connection that is lost here shows it when it is taken up again.
            with suppress(psycopg.OperationalError):
                self.execute(ROLLBACK)

    def commit(self) -> None:
        """Ask what was queued, and commit, in one round trip. Raises psycopg.Error; then nothing was committed."""
        self.execute(COMMIT)
        if self._result is not None and self._result.command_status != b"COMMIT":
            # A failed transaction answers COMMIT with ROLLBACK, and no error.
            raise psycopg.errors.InFailedSqlTransaction("the transaction had failed before it was to be committed")

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Every row of the last statement."""
        return self._load(self._result)

    def rows_of(self, answer: AskedRows) -> list[tuple[Any, ...]]:
        """Every row of a statement that was queued; what still waits to be asked is asked first. Raises psycopg.Error."""
        if answer.result is None:
            self.flush()
        return self._load(answer.result)

    def _load(self, result: pq.abc.PGresult | None) -> list[tuple[Any, ...]]:
        if result is None or not result.ntuples:
            return []
        self._adapt.set_pgresult(result)
        return self._adapt.load_rows(0, result.ntuples, tuple)

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row of the last statement, if it has any."""
        rows = self.fetchall()
        return rows[0] if rows else None

    @property
    def rowcount(self) -> int:
        """Rows the last statement returned or changed."""
        return (self._result.command_tuples or 0) if self._result is not None else 0

    def _ask(self, queue: list[tuple[str, Values, AskedRows | None]]) -> pq.abc.PGresult:
        sends, new, wanted = self._plan(queue)
        pipelined = len(sends) > 1
        try:
            self._send(sends, pipelined=pipelined)
            results = self._receive(pipelined=pipelined)
        except BaseException:
            # Left in the middle (a timeout of a test, Ctrl-C): the next to ask here would get what was answered to us.
            self._pgconn.finish()
            raise
        if pipelined and self._pgconn.status == pq.ConnStatus.OK:
            self._pgconn.exit_pipeline_mode()
        for key, (name, position) in new.items():
            if len(results) > position and results[position].status in _OK:
                self._prepared[key] = name
        for result in results:
            if result.status not in _OK:
                raise psycopg.errors.error_from_result(result, encoding="utf-8")
        for position, answer in wanted:
            answer.result = results[position]
        return results[-1]

    def _plan(
        self, queue: list[tuple[str, Values, AskedRows | None]]
    ) -> tuple[list[tuple[Any, ...]], dict[_Key, tuple[bytes, int]], list[tuple[int, AskedRows]]]:
        """The messages to send, by which of them what is prepared, and whose rows are kept for later."""
        pgconn, adapt = self._pgconn, self._adapt
        sends: list[tuple[Any, ...]] = []
        new: dict[_Key, tuple[bytes, int]] = {}
        wanted: list[tuple[int, AskedRows]] = []
        for sql, values, answer in queue:
            dumped = adapt.dump_sequence(values, [PyFormat.AUTO] * len(values)) if values else None
            types, formats = (adapt.types or (), adapt.formats) if values else ((), None)
            key: _Key = (sql, types)
            name = self._prepared.get(key)
            if name is None and key in new:
                name = new[key][0]
            elif name is None:
                name = b"m%d" % next(_names)
                new[key] = name, len(sends)
                sends.append((pgconn.send_prepare, name, sql.encode(), types))
            if answer is not None:
                wanted.append((len(sends), answer))
            sends.append((pgconn.send_query_prepared, name, dumped, formats))
        return sends, new, wanted

    def _send(self, sends: list[tuple[Any, ...]], *, pipelined: bool) -> None:
        pgconn = self._pgconn
        if pipelined:
            pgconn.enter_pipeline_mode()
        for send, *arguments in sends:
            send(*arguments)
        if pipelined:
            pgconn.pipeline_sync()
        while pgconn.flush():
            # More than the socket takes at once: the server may have to be listened to before it reads on.
            self._poll.modify(pgconn.socket, select.POLLIN | select.POLLOUT)
            self._poll.poll()
            self._poll.modify(pgconn.socket, select.POLLIN)
            pgconn.consume_input()

    def _receive(self, *, pipelined: bool) -> list[pq.abc.PGresult]:
        """One result for each message that was sent. Lets other threads run while it waits."""
        pgconn = self._pgconn
        results: list[pq.abc.PGresult] = []
        while True:
            while pgconn.is_busy():
                self._poll.poll()
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                if not pipelined:
                    return results
                if pgconn.status != pq.ConnStatus.OK:
                    raise psycopg.OperationalError(pgconn.get_error_message() or "the connection is lost")
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
            else:
                results.append(result)
                if result.status == pq.ExecStatus.FATAL_ERROR and pgconn.status != pq.ConnStatus.OK:
                    return results


def keep_prepared(connection: psycopg.Connection[Any], _: object) -> None:
    """Let prepared statements outlive a rollback: a listener to a pool's new connections.

    psycopg has the server forget all of them then, for the sake of statements about objects that the transaction had made.
    A serving connection makes none, and what was prepared here would be gone with them.
    """
    connection._prepared.clear = lambda: False  # type: ignore[method-assign]  # noqa: SLF001 - there is no setting for it


def connect(engine: Engine) -> PoolProxiedConnection:
    """A connection of the pool; one that the server closed shows it without being asked, and the pool forgets all of its age.

    Raises DBAPIError when the server takes none.
    """
    try:
        pooled = engine.raw_connection()
        if Cursor.of(pooled).is_lost:
            pooled.invalidate()
            engine.dispose()
            pooled = engine.raw_connection()
    except psycopg.Error as error:
        raise as_sqlalchemy(error, engine.dialect, broken=True) from error
    return pooled
