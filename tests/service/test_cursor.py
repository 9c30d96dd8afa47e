"""Statements straight on libpq: their order, what fails with them, what stays prepared, and what a lost connection leaves."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.embedded.engines import Addresses
from kernel.db.cursor import BEGIN, Cursor
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM

MANY, LARGE = 200, "x" * 100_000


@pytest.fixture
def one(addresses: Addresses) -> Iterator[Database]:
    """A pool of one connection: whoever asks next gets the one that the last left."""
    database = Database(addresses.database_url, pool_size=1, max_overflow=0)
    yield database
    database.dispose()


@pytest.fixture
def cursor(one: Database) -> Iterator[Cursor]:
    """In a transaction with a table of its own."""
    with closing(one.engine.raw_connection()) as pooled:
        found = Cursor.of(pooled)
        found.queue(BEGIN)
        found.execute("CREATE TEMPORARY TABLE seen (number bigint PRIMARY KEY, word text) ON COMMIT DROP")
        yield found
        found.end()


def numbers(cursor: Cursor) -> list[int]:
    return [row[0] for row in cursor.execute("SELECT number FROM seen ORDER BY number").fetchall()]


def test_what_was_queued_is_done_before_what_is_asked_and_in_order(cursor: Cursor) -> None:
    for number in range(5):
        cursor.queue("INSERT INTO seen VALUES ($1, $2)", (number, "queued"))
    cursor.queue("DELETE FROM seen WHERE number < $1", (2,))
    assert numbers(cursor) == [2, 3, 4]
    assert cursor.execute("UPDATE seen SET word = $1", ("w",)).rowcount == 3
    assert cursor.fetchone() is None


@pytest.mark.parametrize(
    "value", [None, "", "ü\n'", 0, -(2**62), True, [], ["a", None], uuid7(), datetime(2026, 2, 28, 23, 59, tzinfo=UTC)]
)
def test_values_come_back_as_they_went_in(cursor: Cursor, value: Any) -> None:
    kinds = {str: "text", int: "bigint", bool: "boolean", list: "text[]", UUID: "uuid", datetime: "timestamptz"}
    for _ in range(3):
        assert cursor.execute(f"SELECT $1::{kinds.get(type(value), 'text')}", (value,)).fetchone() == (value,)


def test_one_text_takes_values_of_several_types(cursor: Cursor) -> None:
    for number, word in ((1, "a"), (2, None), (None, "b")):
        found = cursor.execute("SELECT $1::bigint, $2::text", (number, word)).fetchone()
        assert found == (number, word)


def test_a_failure_among_what_was_queued_is_raised_by_the_next_and_nothing_after_it_was_done(cursor: Cursor) -> None:
    cursor.execute("SAVEPOINT here")
    cursor.queue("INSERT INTO seen VALUES ($1, $2)", (1, "first"))
    cursor.queue("INSERT INTO seen VALUES ($1, $2)", (1, "again"))
    cursor.queue("INSERT INTO seen VALUES ($1, $2)", (2, "never"))
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        cursor.execute("SELECT 'first prepared behind a failure'")
    assert caught.value.diag.constraint_name == "seen_pkey"
    cursor.execute("ROLLBACK TO SAVEPOINT here")
    assert numbers(cursor) == []
    # What was not prepared for the failure before it is prepared now.
    assert cursor.execute("SELECT 'first prepared behind a failure'").fetchone() == ("first prepared behind a failure",)


def test_a_statement_that_cannot_be_read_is_refused_each_time(cursor: Cursor) -> None:
    for _ in range(2):
        cursor.execute("SAVEPOINT here")
        with pytest.raises(psycopg.errors.SyntaxError):
            cursor.execute("SELEKT 1")
        cursor.execute("ROLLBACK TO SAVEPOINT here")
    assert numbers(cursor) == []


def test_a_value_that_cannot_be_sent_leaves_the_connection_as_it_was(cursor: Cursor) -> None:
    with pytest.raises(psycopg.ProgrammingError):
        cursor.execute("SELECT $1", (object(),))
    assert numbers(cursor) == []


def test_a_failed_transaction_is_not_taken_for_a_committed_one(cursor: Cursor) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        cursor.execute("SELECT 1 / 0")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        cursor.commit()


def test_more_than_the_sockets_take_at_once_goes_both_ways(cursor: Cursor) -> None:
    for number in range(MANY):
        cursor.queue("INSERT INTO seen VALUES ($1, $2) RETURNING word", (number, LARGE))
    assert cursor.execute("SELECT word FROM seen").fetchall() == [(LARGE,)] * MANY


@pytest.mark.parametrize("by_session", [True, False])
def test_what_is_prepared_outlives_a_rollback(one: Database, *, by_session: bool) -> None:
    def roll_back() -> None:
        with unit_of_work(one, SYSTEM) as uow:
            assert uow.cursor.execute("SELECT 41 + $1::bigint", (1,)).fetchone() == (42,)
            if by_session:
                uow.session.execute(text("SELECT 1"))
                uow.session.rollback()
            raise RuntimeError("back")

    for _ in range(3):
        with pytest.raises(RuntimeError, match="back"):
            roll_back()


def test_one_that_is_interrupted_leaves_its_answer_to_nobody(one: Database) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    # To this very thread: of a signal to another one it would hear when the answer has come.
    timer = threading.Timer(0.3, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
    try:
        with unit_of_work(one, SYSTEM) as uow:
            uow.cursor.execute("SELECT 'connected, however long that takes'")
        timer.start()
        with pytest.raises(KeyboardInterrupt), unit_of_work(one, SYSTEM) as uow:
            uow.cursor.execute("SELECT 'the answer of another' FROM pg_sleep(8)")
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    with unit_of_work(one, SYSTEM) as uow:
        assert uow.cursor.execute("SELECT 'mine'").fetchone() == ("mine",)


def test_one_whose_server_ends_it_in_the_middle_fails_and_the_next_gets_another(one: Database) -> None:
    def end_it() -> None:
        with unit_of_work(one, SYSTEM) as uow:
            uow.cursor.queue("SELECT pg_terminate_backend(pg_backend_pid())")
            uow.cursor.execute("SELECT 1")

    with pytest.raises(DBAPIError) as caught:
        end_it()
    assert caught.value.connection_invalidated
    with unit_of_work(one, SYSTEM) as uow:
        assert uow.cursor.execute("SELECT 1").fetchone() == (1,)
