"""Forced interleavings of two sides: each first, and each while the other stands still in its transaction.

A side is a function that opens its own transactions. It stands still either when it has read and is about to write for the
first time (what it read grows old, unless it holds a lock), or when it has written and is about to commit. It goes on as soon
as the other side is over or waits for it.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import Engine, event, text

from kernel.db.cursor import COMMIT, Cursor
from kernel.db.uow import Database, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM

Side = Callable[[], object]
FIRST_THEN_SECOND = "first, then second"
SECOND_THEN_FIRST = "second, then first"
WHILE_FIRST_HAS_READ = "second while first has read"
WHILE_FIRST_HAS_WRITTEN = "second while first has written"
WHILE_SECOND_HAS_READ = "first while second has read"
WHILE_SECOND_HAS_WRITTEN = "first while second has written"
OF_TWINS = (FIRST_THEN_SECOND, WHILE_FIRST_HAS_READ, WHILE_FIRST_HAS_WRITTEN)

every_order = pytest.mark.parametrize(
    "order", [*OF_TWINS, SECOND_THEN_FIRST, WHILE_SECOND_HAS_READ, WHILE_SECOND_HAS_WRITTEN]
)
"""For two sides that do different things."""
every_order_of_twins = pytest.mark.parametrize("order", OF_TWINS)
"""For two sides that do the same."""
_WRITE = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\S+)")


@dataclass
class Pause:
    """Where somebody stands still until let on. Only the first one that comes by stops."""

    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def here(self) -> None:
        """Stand still."""
        if not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(30)


@dataclass
class _Holder:
    """The side that stands still: in its first transaction that writes `table` (any, when that is empty)."""

    table: str
    at_commit: bool
    pause: Pause = field(default_factory=Pause)
    thread: int = 0
    has_written: bool = False

    def stops_before(self, sql: str) -> bool:
        """Whether the holder's thread has come to its point with this statement."""
        if threading.get_ident() != self.thread or self.pause.reached.is_set():
            return False
        written = _WRITE.match(sql)
        if written is not None and self.table in ("", written[1]):
            self.has_written = True
            return not self.at_commit
        return self.at_commit and self.has_written and sql == COMMIT

    def run(self, side: Side) -> object:
        """Do what the holder does, in the thread that stands still."""
        self.thread = threading.get_ident()
        try:
            return told(side)
        finally:
            self.thread = 0  # the pool may give the same thread to the other side


def interleaved(db: Database, order: str, first: Side, second: Side, *, table: str = "") -> tuple[object, object]:
    """Run both sides in the order named; what each answered, a refusal as its code.

    `table` says in which transaction a side stands still that has several: in the first that writes this table. A side
    that never comes there (it was refused before) is simply first.
    """
    if order == FIRST_THEN_SECOND:
        return told(first), told(second)
    if order == SECOND_THEN_FIRST:
        return tuple(reversed([told(second), told(first)]))  # type: ignore[return-value]  # two of them
    holds_first = order in OF_TWINS
    holder = _Holder(table, at_commit=order in (WHILE_FIRST_HAS_WRITTEN, WHILE_SECOND_HAS_WRITTEN))
    with ThreadPoolExecutor(2) as threads, _stopping(holder):
        held = threads.submit(holder.run, first if holds_first else second)
        _until(lambda: holder.pause.reached.is_set() or held.done())
        free = threads.submit(told, second if holds_first else first)
        _until(lambda: free.done() or somebody_waits(db))
        holder.pause.go_on.set()
        answers = held.result(30), free.result(30)
    return answers if holds_first else (answers[1], answers[0])


def told(side: Side) -> object:
    """What the side answers; a refusal is its code."""
    try:
        return side()
    except DomainError as refused:
        return refused.code


def somebody_waits(db: Database) -> bool:
    """Whether a transaction of this database waits for another's lock."""
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with unit_of_work(db, SYSTEM) as uow:
        return bool(uow.session.scalar(text(f"SELECT EXISTS ({waiting})")))


@contextmanager
def _stopping(holder: _Holder) -> Iterator[None]:
    """Let every statement of the process pass by the holder: those of a session, and those that `Cursor` sends itself."""
    ask = Cursor._ask

    def ask_up_to_the_point(cursor: Cursor, queue: Sequence[Any]) -> Any:
        for number, (sql, *_) in enumerate(queue):
            if holder.stops_before(sql):
                if number:
                    ask(cursor, queue[:number])  # type: ignore[arg-type]  # a slice of the list it was
                holder.pause.here()
                return ask(cursor, queue[number:])  # type: ignore[arg-type]
        return ask(cursor, queue)  # type: ignore[arg-type]

    def before(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if holder.stops_before(sql):
            holder.pause.here()

    event.listen(Engine, "before_cursor_execute", before)
    try:
        with mock.patch.object(Cursor, "_ask", ask_up_to_the_point):
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        holder.pause.go_on.set()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
