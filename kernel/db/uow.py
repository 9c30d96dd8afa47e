"""One transaction, one commit site.

The edge (a handler, a job, a command) opens a unit of work; everything below may flush, never commit. What is to be told
(see `kernel.jobs.outbox`) is inserted beside the change it follows from, and workers are signalled only after the commit,
so that nothing is announced that did not happen and nothing that happened can be forgotten.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from kernel import clock
from kernel.db.base import Base
from kernel.db.constraints import as_sqlalchemy, translate
from kernel.db.cursor import BEGIN, Cursor, connect, keep_prepared
from kernel.db.statements import Asked, New, Read, Rows, insert_if_absent, write
from kernel.principal import Principal

T = TypeVar("T")
B = TypeVar("B", bound=Base)
log = structlog.get_logger(__name__)

RETRIED = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATEs after which the whole unit of work is tried again: serialization failure, deadlock, lock not available."""
ATTEMPTS = 5
LIMITS = (
    "-c lock_timeout=3s -c statement_timeout=30s -c idle_in_transaction_session_timeout=10s -c timezone=UTC"
    " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
)
"""Of every serving connection. The third ends the transaction of a process that was paused in the middle, and frees its
locks. Instants come back in the session's time zone, which must be the UTC that is promised. The last three: a statement is
planned once, not anew each time at several times the price of its run, and what is planned while a table is small (the checks
of foreign keys too) must be right when it has grown: nothing is read from end to end that has an index."""
PLATFORM = " -c app.platform=on"
"""Of the connections of a process that acts for the platform alone: its transactions need not say so each time."""

_SCOPE = "SELECT set_config('app.org', $1, true), set_config('app.platform', $2, true)"


@dataclass(frozen=True, slots=True)
class JobSignal:
    """A job that is due now: what workers are told after the commit."""

    queue: str
    job_id: UUID
    kind: str


class FollowerFailed(Exception):
    """An inline follower raised; the work is to be run again with its followers deferred to jobs."""


class OutboxPort(Protocol):
    """What a unit of work has to tell: `kernel.jobs.outbox` fills it."""

    def follow(self) -> None:
        """Run what follows inline. Raises FollowerFailed."""

    def write(self) -> None:
        """Insert what is left to jobs."""


class Database:
    """The serving connection pool. `notify` is set by the composition; without it a worker's sweep finds every job."""

    def __init__(self, url: str, *, pool_size: int = 10, max_overflow: int = 10, platform_only: bool = False) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=max_overflow,
            # The connection used last is the one whose plans and caches are warm.
            pool_use_lifo=True,
            # A unit of work ends its transaction itself.
            pool_reset_on_return=None,
            # Errors end in logs and job rows; what a statement carried (addresses, sealed secrets) has no business there.
            hide_parameters=True,
            connect_args={"prepare_threshold": 3, "options": LIMITS + (PLATFORM if platform_only else "")},
        )
        event.listen(self.engine, "connect", keep_prepared)
        self.platform_only = platform_only
        self.remembered: dict[str, dict[Any, Any]] = {}
        """What this process may know for good: committed facts that never change, by whoever keeps them."""
        self.notify: Callable[[Sequence[JobSignal]], None] | None = None

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class UnitOfWork:
    """A transaction, who acts in it, and what is to be told when it commits.

    Rows are read and written in two ways. `session` is SQLAlchemy's own. `fetch`, `add` and `append` do without it
    (see `kernel.db.statements`) where every sale passes; using `session` first writes what they left pending.
    """

    def __init__(
        self,
        cursor: Cursor,
        principal: Principal,
        correlation_id: str | None,
        open_session: Callable[[], Session],
        *,
        inline: bool = False,
        remembered: dict[str, dict[Any, Any]] | None = None,
    ) -> None:
        self.principal = principal
        self.correlation_id = correlation_id
        self.inline = inline
        """Whether what follows an event runs in this transaction."""
        self.aggregates: set[UUID] = set()
        """Purchases and orders that this transaction holds as a whole (`kernel.db.locks`)."""
        self.outbox: OutboxPort | None = None
        self.signals: list[JobSignal] = []
        self.committed: list[Callable[[], object]] = []
        self.remembered = {} if remembered is None else remembered
        self.cursor = cursor
        self._open_session = open_session
        self._session: Session | None = None
        self._rows = Rows()
        self._ahead: list[Asked] = []
        self._last: list[tuple[Any, Callable[[], Callable[[], None]]]] = []
        self._deferred: list[New] = []
        self._statements: list[tuple[str, tuple[Any, ...]]] = []

    @classmethod
    def over(cls, session: Session, principal: Principal) -> UnitOfWork:
        """A unit of work on the transaction of a session that somebody else ends."""
        return cls(Cursor.of(session.connection().connection), principal, None, lambda: session)

    @property
    def session(self) -> Session:
        """The ORM's session on this transaction; what was added or changed without it is in the database first."""
        if self._session is None:
            self._session = self._open_session()
        self._write_rows()
        self.cursor.flush()
        self._rows.forget()
        # Whatever the session does may change what these saw.
        self._ahead.clear()
        return self._session

    def act_as(self, principal: Principal) -> None:
        """Go on as somebody else: row level security shows what they may see."""
        self.principal = principal
        self.ask(_SCOPE, _scope(principal))

    def ask(self, sql: str, values: tuple[Any, ...]) -> None:
        """Run a statement before whatever is asked next; nobody looks at its rows."""
        self.cursor.queue(sql, values)
        if self._session is not None:
            # Whoever holds the session goes past this queue.
            self.cursor.flush()

    def ask_ahead(self, read: Read, /, **parameters: Any) -> None:
        """Ask now what `fetch` will want with the same parameters: its rows come in the round trip of what is asked next.

        They are as of then. Ask ahead only what this transaction does not write before it fetches, and behind the lock
        (`kernel.db.locks.lock_aggregate`) that keeps others from writing it.
        """
        if self._session is None:
            self._ahead.append(read.ask(self.cursor, parameters))

    def fetch(self, read: Read, /, **parameters: Any) -> list[Any]:
        """The rows of a prepared statement. What is assigned to the mapped objects in them is written before the commit.

        A row that this transaction holds already is the same object, as it was changed since, with the session too. Rows that
        were only added are not in the database yet: `flush` first where they are to be found.
        """
        if self._session is not None:
            if _is_changed(self._session):
                self._session.flush()
                self._rows.forget()
            if self._rows.is_changed_apart():
                self._write_rows()
        return read.run(self.cursor, parameters, self._rows, self._ahead)

    def find(self, read: Read, /, **parameters: Any) -> Any:
        """The first of the rows, or None."""
        rows = self.fetch(read, **parameters)
        return rows[0] if rows else None

    def add(self, row: B) -> B:
        """Insert a row, at the latest before the commit, in one statement with others of its table. Returns the row."""
        if self._session is not None and self._session.new:
            # The row may name one of them.
            self._session.flush()
        self._rows.add(row)
        return row

    def held(self, kind: type[B], row_id: UUID) -> B | None:
        """The row, when it was fetched or added in this transaction."""
        return self._rows.find(kind, row_id)  # type: ignore[return-value]  # filed by its class

    def attach(self, row: B) -> B:
        """Take up a row that an earlier transaction read or wrote: what is assigned to it is written by its primary key."""
        self._rows.attach(row)
        return row

    def add_if_absent(self, row: Base, *conflict: str) -> bool:
        """Insert a row now unless one with the same values in the unique columns `conflict` exists. Returns whether it did.

        A parallel transaction that is inserting the same is waited for.
        """
        return insert_if_absent(self.cursor, row, conflict)

    def append(self, kind: type[Base], /, **values: Any) -> None:
        """Insert an append-only row that nothing in this transaction reads: events, histories, audited actions.

        They wait for `flush_outbox`, so that a transaction writes them together, and no object is made of them.
        """
        self._deferred.append((kind, values))

    def do_last(self, key: Any, work: Callable[[], Callable[[], None]]) -> None:
        """Run `work` just before the commit, in order of `key`, then what each returned: for locks to be held briefly."""
        self._last.append((key, work))

    def after_commit(self, work: Callable[[], object]) -> None:
        """Run `work` once the transaction is committed; what it raises is logged. For what may be lost and swept up later."""
        self.committed.append(work)

    def execute_deferred(self, sql: str, parameters: tuple[Any, ...]) -> None:
        """Run a statement after all rows were written, before the commit."""
        self._statements.append((sql, parameters))

    def follow(self) -> None:
        """Run the inline followers of what was emitted so far. Raises FollowerFailed."""
        if self.outbox is not None:
            self.outbox.follow()

    def flush(self) -> None:
        """Send pending rows to the database; constraint violations surface here or at commit."""
        self._write_rows()
        self.cursor.flush()
        if self._session is not None:
            self._session.flush()

    def flush_outbox(self) -> None:
        """Run what follows inline, then write everything pending. Called before the commit; earlier is slower, not wrong."""
        self._finish()
        self._write_pending()
        self.cursor.flush()

    def conclude(self) -> None:
        """Write everything pending and commit, in one round trip. Called by `unit_of_work` alone."""
        self._finish()
        self._write_pending()
        self.cursor.commit()

    def _write_rows(self) -> None:
        for row in self._rows.write(self.cursor):
            # The session may hold an object of the same row, which is to be read anew.
            held = self._session.identity_map.get(identity_key(instance=row)) if self._session is not None else None
            if held is not None and self._session is not None:
                if held in self._session.dirty:
                    self._session.flush()
                self._session.expire(held)

    def _finish(self) -> None:
        self.follow()
        while self._last:
            # In one order everywhere, so that two transactions that take several counters cannot cross.
            last, self._last = sorted(self._last, key=lambda item: item[0]), []
            for rest in [work() for _, work in last]:
                rest()
            self.follow()
        if self._session is not None:
            self.flush()

    def _write_pending(self) -> None:
        self._write_rows()
        deferred, self._deferred = self._deferred, []
        write(self.cursor, deferred)
        if self.outbox is not None:
            self.outbox.write()
        statements, self._statements = self._statements, []
        for sql, parameters in statements:
            self.cursor.queue(sql, parameters)


class Transact(Protocol):
    """Runs work in a unit of work of its own, as somebody: `transact` with its first arguments given."""

    def __call__(self, work: Callable[[UnitOfWork], T], /) -> T:
        """What `work` returned, once it is committed."""


@contextmanager
def unit_of_work(
    db: Database, principal: Principal, *, correlation_id: str | None = None, inline: bool = False
) -> Iterator[UnitOfWork]:
    """Open the one transaction of a request, job or command.

    Commits when the block ends, rolls back when it raises. Row level security sees `principal`'s organization. With
    `inline` what follows an event runs here too; the caller then has to run its work again after FollowerFailed.

    Raises:
        DomainError: a constraint that stands for one was violated.
        DBAPIError: anything else the database says.
    """
    pooled = connect(db.engine)
    connection: psycopg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
    cursor = Cursor.of(pooled)
    cursor.queue(BEGIN)
    if not (db.platform_only and principal.is_platform):
        cursor.queue(_SCOPE, _scope(principal))
    opened: list[Session] = []

    def open_session() -> Session:
        session = Session(Connection(db.engine, pooled), autoflush=False, expire_on_commit=False)
        opened.append(session)
        return session

    request_id = correlation_id or structlog.contextvars.get_contextvars().get("request_id")
    uow = UnitOfWork(cursor, principal, request_id, open_session, inline=inline, remembered=db.remembered)
    try:
        yield uow
        uow.conclude()
    except psycopg.Error as error:
        if connection.closed:
            # The server went away: what else waits in the pool is as old and as dead.
            db.engine.dispose()
        db.remembered.clear()  # it may be what was refused: of a database that was restored since
        raise as_sqlalchemy(error, db.engine.dialect, broken=connection.closed) from error
    except IntegrityError as error:
        raise translate(error) or error from error
    finally:
        clock.enter(None)
        for session in opened:
            session.close()
        cursor.end()
        if connection.closed and pooled.is_valid:
            pooled.invalidate()
        pooled.close()
    if uow.signals and db.notify is not None:
        db.notify(uow.signals)
    for work in uow.committed:
        try:
            work()
        except Exception:
            log.exception("after_commit_failed")


def _is_changed(session: Session) -> bool:
    return bool(session.new or session.dirty or session.deleted)


def _scope(principal: Principal) -> tuple[str, str]:
    return str(principal.org_id or ""), "on" if principal.is_platform else ""


def is_retried(error: Exception) -> bool:
    """Whether the unit of work that raised this is to be tried again from the start."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "sqlstate", None) in RETRIED


def transact(
    db: Database,
    principal: Principal,
    work: Callable[[UnitOfWork], T],
    *,
    correlation_id: str | None = None,
    begin: Callable[[], AbstractContextManager[UnitOfWork]] | None = None,
) -> T:
    """Run `work` in a unit of work, again from the start after a deadlock or serialization failure (up to 5 times).

    What follows its events runs in the same transaction; when that raises, `work` runs again and leaves it to jobs.
    `work` must be repeatable: it may only touch what the transaction rolls back. `begin` opens each try's unit of work
    where that is not a plain `unit_of_work`: a request's first one has authenticated its caller.
    """
    inline, attempt = True, 1
    while True:
        try:
            opened = begin() if begin else unit_of_work(db, principal, correlation_id=correlation_id, inline=inline)
            with opened as uow:
                result = work(uow)
            return result  # noqa: RET504 - the commit happens between the two lines
        except FollowerFailed as error:
            log.warning("follower_failed", exc_info=error.__cause__)
            inline = False
        except DBAPIError as error:
            if not is_retried(error) or attempt == ATTEMPTS:
                raise
            attempt += 1
            # Jitter, so that two losers of the same deadlock do not meet again.
            time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311 - not a secret
