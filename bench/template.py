"""Which rows one thing of the product consists of, read from the database itself, so that no table need be named twice.

A checkout's rows are those that were not there before it; a video's are found by following foreign keys to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

SCHEMAS = ("kernel", "marketplace", "fulfillment", "billing", "orders")
NEVER_COPIED = frozenset(
    {
        "billing.ledger_seal",
        "billing.ledger_seal_entry",
        "marketplace.course_episode",
        "marketplace.customer",
        "marketplace.event_log",
        "marketplace.outgoing_event",
        "marketplace.session",
        "marketplace.touchpoint_day",
        "orders.sales_day",
        "marketplace.webhook_attempt",
        "marketplace.webhook_delivery",
    }
)
"""A day's seal covers what it found; a session belongs to a browser; a copy's buyer is the customer that it was; an organization
numbers its log of events itself; what was counted of a day stands once."""
Connection = psycopg.Connection
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the catalogue describes it; a partitioned one counts as one."""

    schema: str
    name: str
    types: Mapping[str, str]
    """Type of every column that is stored as given."""
    key: tuple[str, ...]
    """Columns of the primary key."""
    uniques: tuple[tuple[str, ...], ...]
    """Columns of every unique index that is made of columns alone; of a partial one, too."""

    @property
    def title(self) -> str:
        """Schema and name, as people write them."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Composable:
        """Its quoted name."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Row:
    """A row in PostgreSQL's own text form, column by column."""

    table: Table
    values: Mapping[str, str | None]

    @property
    def key(self) -> Key:
        """The values of its primary key."""
        return tuple(self.values[column] or "" for column in self.table.key)


@dataclass(frozen=True, slots=True)
class Template:
    """All rows of one thing, and the identifiers that a copy needs anew."""

    rows: tuple[Row, ...]

    @property
    def identifiers(self) -> frozenset[str]:
        """Primary keys that are identifiers. Whatever else carries one of them refers to the same thing."""
        return frozenset(
            value
            for row in self.rows
            for column, value in zip(row.table.key, row.key, strict=True)
            if row.table.types[column] == "uuid"
        )


def tables(connection: Connection) -> list[Table]:
    """Every table of the product."""
    found = connection.execute(
        """SELECT n.nspname, c.relname, c.oid,
                  array(SELECT a.attname::text FROM pg_attribute a JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
                        WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
                        ORDER BY array_position(i.indkey::int2[], a.attnum))
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1, 2""",
        (list(SCHEMAS),),
    ).fetchall()
    return [
        Table(schema, name, _types(connection, oid), tuple(key), _uniques(connection, oid))
        for schema, name, oid, key in found
        if key
    ]


def _types(connection: Connection, oid: int) -> dict[str, str]:
    """Identity columns are left out: the database gives each row its own."""
    rows = connection.execute(
        """SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
           WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
           ORDER BY a.attnum""",
        (oid,),
    )
    return dict(rows.fetchall())


def _uniques(connection: Connection, oid: int) -> tuple[tuple[str, ...], ...]:
    rows = connection.execute(
        """SELECT array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))
           FROM pg_index i WHERE i.indrelid = %s AND i.indisunique AND NOT (0 = ANY(i.indkey::int2[]))""",
        (oid,),
    )
    return tuple(tuple(row[0]) for row in rows)


def rows_where(connection: Connection, table: Table, condition: sql.Composable | None = None) -> list[Row]:
    """The rows of a table that fit the condition."""
    columns = list(dict.fromkeys([*table.types, *table.key]))
    shown = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns)
    found = connection.execute(
        sql.SQL("SELECT {} FROM {} WHERE {}").format(shown, table.identifier, condition or sql.SQL("true"))
    )
    return [Row(table, dict(zip(columns, values, strict=True))) for values in found]


class Recording:
    """What was there before something happened; afterwards, which rows that left behind."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = [t for t in tables(connection) if t.title not in NEVER_COPIED]
        self._before = {table.title: self._keys(table) for table in self._tables}

    def _keys(self, table: Table) -> set[Key]:
        return {row.key for row in rows_where(self._connection, table)}

    def template(self) -> Template:
        """The rows that were not there before."""
        return Template(
            tuple(
                row
                for table in self._tables
                for row in rows_where(self._connection, table)
                if row.key not in self._before[table.title]
            )
        )


def published_videos(connection: Connection) -> Template:
    """The published videos with all of the catalogue that refers to them, cards and claims, and how it came about."""
    known = {table.title: table for table in tables(connection)}
    videos = known["marketplace.video"]
    found = {videos.title: rows_where(connection, videos, sql.SQL("state = 'published'"))}
    _follow(connection, known, videos, found)
    subjects = [row.values["id"] for rows in found.values() for row in rows]
    histories = known["kernel.state_history"]
    found[histories.title] = rows_where(
        connection, histories, sql.SQL("subject_id = ANY({}::uuid[])").format(sql.Literal(subjects))
    )
    return Template(tuple(row for rows in found.values() for row in rows))


def _follow(connection: Connection, known: Mapping[str, Table], parent: Table, found: dict[str, list[Row]]) -> None:
    identifiers = [row.values["id"] for row in found[parent.title]]
    for title, column in _referring(connection, parent):
        table = known.get(title)
        if table is None or title in found or title in NEVER_COPIED:
            continue
        if table.schema != parent.schema or "id" not in table.types:
            continue
        condition = sql.SQL("{} = ANY({}::uuid[])").format(sql.Identifier(column), sql.Literal(identifiers))
        rows = rows_where(connection, table, condition)
        if rows:
            found[title] = rows
            _follow(connection, known, table, found)


def _referring(connection: Connection, parent: Table) -> Iterable[tuple[str, str]]:
    """Table and column of every foreign key to the identifier of `parent`."""
    return connection.execute(
        """SELECT n.nspname || '.' || c.relname, a.attname
        FROM pg_constraint k
        JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN generate_subscripts(k.conkey, 1) s ON true
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[s]
        JOIN pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = k.confkey[s]
        WHERE k.contype = 'f' AND r.attname = 'id' AND pn.nspname = %s AND p.relname = %s
        ORDER BY 1, 2""",
        (parent.schema, parent.name),
    ).fetchall()
