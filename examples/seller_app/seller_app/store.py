"""The vendor's own store: SQLite with a write-ahead log. What was answered is in it; a kill loses nothing.

It is not forced to disk at every commit: a power cut may lose the last moments of this sample. Who sells for money says
`PRAGMA synchronous = FULL`, and waits for the disk once per delivery.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from seller_app.behaviour import Behaviour

_SCHEMA = """
CREATE TABLE IF NOT EXISTS secret (vendor TEXT NOT NULL, secret TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS behaviour (vendor TEXT PRIMARY KEY, settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
  n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, vendor TEXT, webhook_id TEXT, type TEXT, run_id TEXT,
  operation TEXT, entitlement_id TEXT, attempt INTEGER, verdict TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS delivery_run ON delivery (run_id);
CREATE TABLE IF NOT EXISTS run (
  run_id TEXT PRIMARY KEY, vendor TEXT NOT NULL, operation TEXT NOT NULL, entitlement_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('accepted', 'done')), status INTEGER NOT NULL, answer TEXT NOT NULL,
  data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS instance (
  tenant_id TEXT PRIMARY KEY, entitlement_id TEXT NOT NULL UNIQUE, vendor TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'ended')),
  organization_id TEXT NOT NULL, organization_name TEXT NOT NULL, listing_title TEXT NOT NULL, plan_code TEXT NOT NULL,
  plan_name TEXT NOT NULL, seats INTEGER, term_start TEXT, term_end TEXT, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS closed (entitlement_id TEXT PRIMARY KEY, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS effect (
  n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, vendor TEXT NOT NULL, kind TEXT NOT NULL,
  tenant_id TEXT NOT NULL, entitlement_id TEXT NOT NULL, run_id TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS effect_entitlement ON effect (entitlement_id);
CREATE TRIGGER IF NOT EXISTS effect_kept BEFORE DELETE ON effect BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS effect_unchanged BEFORE UPDATE ON effect BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TABLE IF NOT EXISTS task (
  n INTEGER PRIMARY KEY AUTOINCREMENT, due_s REAL NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('finish', 'callback')),
  run_id TEXT NOT NULL, url TEXT NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS task_due ON task (due_s);
"""


def now_text() -> str:
    """The present instant as RFC 3339 text in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """One connection per thread; writers take turns. The only process on its folder: secrets are kept in memory, too."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "seller.sqlite3"
        self._local = threading.local()
        self._connection().executescript(_SCHEMA)
        self._verifiers = self._read_verifiers()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction from its first statement: what is read inside cannot change before the commit."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """The rows of a query."""
        return [dict(row) for row in self._connection().execute(query, values)]

    def verifiers(self) -> dict[str, list[Webhook]]:
        """What checks a signature, by vendor, the newest secret first."""
        return self._verifiers

    def add_secret(self, vendor: str, secret: str) -> None:
        """Accept this secret for the vendor from now on, besides those it has."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO secret (vendor, secret) VALUES (?, ?)", (vendor, secret))
        self._verifiers = self._read_verifiers()

    def _read_verifiers(self) -> dict[str, list[Webhook]]:
        found: dict[str, list[Webhook]] = {}
        for row in self.rows("SELECT vendor, secret FROM secret ORDER BY rowid DESC"):
            found.setdefault(row["vendor"], []).append(Webhook(row["secret"]))
        return found

    def behaviour(self, vendor: str) -> Behaviour:
        """How the vendor behaves; ``*`` stands for vendors without settings of their own."""
        rows = self.rows("SELECT settings FROM behaviour WHERE vendor IN (?, '*') ORDER BY vendor = '*'", (vendor,))
        return Behaviour().changed(json.loads(rows[0]["settings"])) if rows else Behaviour()

    def set_behaviour(self, vendor: str, behaviour: Behaviour) -> None:
        """Replace the vendor's behaviour."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO behaviour (vendor, settings) VALUES (?, ?)",
                (vendor, json.dumps(behaviour.as_dict())),
            )

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
        return connection


def note_delivery(connection: sqlite3.Connection, call: dict[str, Any], verdict: str) -> int:
    """Record a received call with what became of it; answer how many deliveries of the same run came before."""
    names = ("vendor", "webhook_id", "type", "run_id", "operation", "entitlement_id", "attempt")
    (before,) = connection.execute(
        "SELECT count(*) FROM delivery WHERE run_id = ? AND verdict = 'verified'", (call.get("run_id"),)
    ).fetchone()
    connection.execute(
        "INSERT INTO delivery (at, vendor, webhook_id, type, run_id, operation, entitlement_id, attempt, verdict)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (now_text(), *[call.get(name) for name in names], verdict),
    )
    return int(before)
