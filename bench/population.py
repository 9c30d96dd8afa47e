"""Many rows, made set-based: copies of rows that the product itself wrote, one `INSERT … SELECT generate_series` for each.

Copy number g of a template has every identifier moved on to one of its own, wherever it stands: as a key, as a reference,
inside a text or a JSON document. What must be unique besides is counted on. Instants lie in the past, a millisecond apart.
Triggers and foreign keys stand aside meanwhile (`session_replication_role = replica`): a copy refers to what its template
refers to, or to its own rows. CHECK and UNIQUE constraints hold as ever.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from uuid import UUID

from psycopg import sql

from bench.template import Connection, Row, Table, Template

_IDENTIFIER = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_LAST_DIGITS = re.compile(r"(.*?)(\d{1,15})\Z", re.DOTALL)
_INTEGERS = frozenset({"integer", "bigint", "smallint"})
_TEXTS = frozenset({"text", "character varying"})
INSTANT = "timestamp with time zone"
AT_ONCE = 20_000
"""Copies made in one transaction: the product works beside it, and autovacuum and checkpoints keep up."""


class Population:
    """Makes copies of one template. The template's own rows stay as they are, unless `take_away` removes them."""

    def __init__(self, connection: Connection, template: Template, *, span: int = 2_000_000) -> None:
        """`span`: milliseconds before its template at which copy 0 lies; the most copies that there can be."""
        self._connection = connection
        self._template = template
        self._identifiers = template.identifiers
        self._span = span
        self._offset = 0
        self._groups: dict[str, list[Row]] = defaultdict(list)
        for row in template.rows:
            self._groups[row.table.title].append(row)

    def rows_per_copy(self) -> dict[str, int]:
        """How many rows of each table one copy adds."""
        return dict(Counter(row.table.title for row in self._template.rows))

    def add(self, rows: int, of: str, *, first: int = 1) -> int:
        """Make so many copies that the table `of` grows by `rows`, or a few more; returns the number after the last.

        `first` is the number of the first copy: never used before for this template, as it is part of all identifiers.
        """
        return self.copy(first, first + -(-rows // len(self._groups[of])))

    def copy(self, first: int, end: int, *, at_most: int | None = None) -> int:
        """Make the copies `first` to `end` - 1; returns `end`. Raises ValueError when they do not fit into the span.

        With `at_most`, a table of which a copy has several rows gets no more than about so many: its later copies lack them.
        """
        if end > self._span:
            raise ValueError(f"{end} copies do not fit into {self._span} ms")
        numbers = range(first, end)
        for start in range(0, len(numbers), AT_ONCE):
            with self._connection.transaction():
                self._connection.execute("SET LOCAL session_replication_role = replica")
                self._connection.execute("SET LOCAL synchronous_commit = off")
                for statement in self._statements(numbers, slice(start, start + AT_ONCE), at_most):
                    self._connection.execute(statement)
        with self._connection.transaction():
            self._count_on()
            self._replace_catalogue_version()
            self._note_customers()
        return end

    def take_away(self) -> None:
        """Remove the template's own rows, so that the copies stand alone."""
        with self._connection.transaction():
            self._connection.execute("SET LOCAL session_replication_role = replica")
            for row in self._template.rows:
                same = sql.SQL(" AND ").join(
                    sql.SQL("{}::text = {}").format(sql.Identifier(column), sql.Literal(value))
                    for column, value in zip(row.table.key, row.key, strict=True)
                )
                self._connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(row.table.identifier, same))
        self._offset = -1  # the first copy takes the numbers that have become free

    def _statements(self, numbers: range, part: slice, at_most: int | None) -> Iterator[sql.Composed]:
        """One statement for each row of the template that has copies in this part of their numbers."""
        for group in self._groups.values():
            wanted = numbers if at_most is None else numbers[: -(-at_most // len(group))]
            copies = wanted[part]
            for row in group if copies else ():
                values = self._values(row, group)
                yield sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series({}::bigint, {}::bigint) g").format(
                    row.table.identifier,
                    sql.SQL(", ").join(map(sql.Identifier, values)),
                    sql.SQL(", ").join(values.values()),
                    sql.Literal(copies[0]),
                    sql.Literal(copies[-1]),
                )

    def _values(self, row: Row, group: list[Row]) -> dict[str, sql.Composable]:
        counted = self._counted(row)
        return {
            column: self._counted_on(row, column, group) if column in counted else self._value(row, column)
            for column in row.table.types
        }

    def _value(self, row: Row, column: str) -> sql.Composable:
        value, type_ = row.values[column], row.table.types[column]
        if value is None:
            return sql.SQL("NULL")
        cast = sql.SQL(type_)  # as PostgreSQL itself spells it
        if type_ == INSTANT:
            return sql.SQL("({}::timestamptz - ({}::bigint - g) * interval '1 millisecond')").format(
                sql.Literal(value), sql.Literal(self._span)
            )
        pieces = list(self._pieces(value))
        if len(pieces) == 1 and isinstance(pieces[0], sql.Literal):
            return sql.SQL("{}::{}").format(pieces[0], cast)
        return sql.SQL("({})::{}").format(sql.SQL(" || ").join(pieces), cast)

    def _pieces(self, value: str) -> Iterator[sql.Composable]:
        """The text, with every identifier of the template in it moved on."""
        end = 0
        for match in _IDENTIFIER.finditer(value):
            identifier = UUID(match.group())
            if str(identifier) not in self._identifiers:
                continue
            if match.start() > end:
                yield sql.Literal(value[end : match.start()])
            yield self._moved_on(identifier, dashes="-" in match.group())
            end = match.end()
        if end < len(value) or not value:
            yield sql.Literal(value[end:])

    def _moved_on(self, identifier: UUID, *, dashes: bool) -> sql.Composable:
        """An identifier of version 7 begins with its millisecond: that moves on, and the rest tells the rows of a copy apart."""
        begins = (identifier.int >> 80) - self._span
        head = sql.SQL("lpad(to_hex({}::bigint + g), 12, '0')").format(sql.Literal(begins))
        rest = str(identifier)[13:] if dashes else identifier.hex[12:]
        if not dashes:
            return sql.SQL("({} || {})").format(head, sql.Literal(rest))
        return sql.SQL("(left({0}, 8) || '-' || right({0}, 4) || {1})").format(head, sql.Literal(rest))

    def _counted_on(self, row: Row, column: str, group: list[Row]) -> sql.Composable:
        """Numbers of a copy come after those of the one before; a text counts in its last digits, else at its end."""
        value = row.values[column] or ""
        match = _LAST_DIGITS.match(value)
        if match is None:
            return sql.SQL("({} || '-' || g)").format(sql.Literal(value))
        stem, digits = match.groups()
        others = [_LAST_DIGITS.match(other.values[column] or "") for other in group]
        numbers = [int(other.group(2)) for other in others if other is not None]
        number = sql.SQL("({}::bigint + (g + {}) * {})").format(
            sql.Literal(int(digits)), sql.Literal(self._offset), sql.Literal(max(numbers) - min(numbers) + 1)
        )
        if row.table.types[column] in _INTEGERS:
            return number
        return sql.SQL("({} || lpad({number}::text, greatest({}, length({number}::text)), '0'))").format(
            sql.Literal(stem), sql.Literal(len(digits)), number=number
        )

    def _counted(self, row: Row) -> frozenset[str]:
        """Of each unique index that would else hold the same value twice, the column that is counted on."""
        return frozenset(
            _counting_column(row.table, columns)
            for columns in row.table.uniques
            if not any(self._differs(row, column) for column in columns)
        )

    def _differs(self, row: Row, column: str) -> bool:
        """Whether the value is another in each copy by itself, or NULL, which is never the same as NULL."""
        value = row.values.get(column)
        if value is None or row.table.types[column] == INSTANT:
            return True
        return any(str(UUID(match)) in self._identifiers for match in _IDENTIFIER.findall(value))

    def _count_on(self) -> None:
        """The next document's number comes after those of the copies."""
        self._connection.execute(
            """UPDATE billing.number_series s SET next_number = greatest(s.next_number, i.last + 1)
               FROM (SELECT series_id, max(sequence) AS last FROM billing.invoice GROUP BY series_id) i
               WHERE i.series_id = s.id"""
        )

    def _note_customers(self) -> None:
        """What is noted of a customer is of its latest order, which may be a copy by now."""
        self._connection.execute(
            """
            UPDATE marketplace.customer c
            SET bought_at = f.paid_at, last_at = CASE WHEN c.last_at = c.bought_at THEN f.paid_at ELSE c.last_at END
            FROM (SELECT seller_org_id, buyer_org_id, max(paid_at) AS paid_at FROM orders."order" GROUP BY 1, 2) f
            WHERE (c.seller_org_id, c.buyer_org_id) = (f.seller_org_id, f.buyer_org_id) AND c.bought_at <> f.paid_at
            """
        )

    def _replace_catalogue_version(self) -> None:
        """What a trigger does where triggers do not stand aside: answers kept by the product are outdated."""
        self._connection.execute("UPDATE marketplace.catalogue_version SET version = gen_random_uuid()")


def _counting_column(table: Table, columns: tuple[str, ...]) -> str:
    """A number if there is one, else a text. Raises ValueError without either."""
    for types in (_INTEGERS, _TEXTS):
        fitting = [column for column in columns if table.types[column] in types]
        if fitting:
            return fitting[-1]
    raise ValueError(f"nothing to count on in {table.title} {columns}")


def settle_statistics(connection: Connection) -> None:
    """What autovacuum and the checkpointer would have done by the time: statistics, the visibility map, files written."""
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")
