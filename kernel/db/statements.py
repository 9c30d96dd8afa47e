"""Core statements at the price of the driver: compiled once, prepared by the server, run on psycopg without a Session.

The hot path reads with `Read` and writes the rows it made or changed with `write`, all of them in one pipeline. Rows are the
mapped classes themselves, filled without a Session; what is assigned to them is noticed by SQLAlchemy's instrumentation.
"""

from __future__ import annotations

import threading
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Column, Select, Table, Uuid
from sqlalchemy import inspect as mapped
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import instance_state

from kernel.db.base import Base
from kernel.db.cursor import AskedRows, Cursor

Values = tuple[Any, ...]
New = tuple[type[Base], dict[str, Any]]
"""A row to be inserted: its class, and values by attribute."""

_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class Rows:
    """The mapped objects that one transaction holds without a Session: one object for one row, new ones included."""

    def __init__(self) -> None:
        self.new: list[Base] = []
        self.loaded: list[Base] = []
        self._known: dict[tuple[type[Base], Any], Base] = {}
        self._apart: dict[tuple[type[Base], Any], Base] = {}
        """Objects whose row somebody else may have changed since."""

    def add(self, row: Base) -> None:
        """A row to be inserted."""
        self.new.append(row)
        self._known[type(row), row.__dict__.get("id")] = row

    def attach(self, row: Base) -> None:
        """A row as an earlier transaction left it."""
        self.loaded.append(row)
        self._known[type(row), row.__dict__.get("id")] = row

    def find(self, kind: type[Base], row_id: Any) -> Base | None:
        """The object of a row that was read or added here."""
        return self._known.get((kind, row_id))

    def take(self, mapper: Mapper[Any], values: Values, keys: tuple[str, ...]) -> Base:
        """The object of a row just read, always the same one. One that is known keeps what was assigned to it."""
        place = (mapper.class_, values[0])
        found = self._known.get(place)
        if found is None:
            found = self._apart.pop(place, None)
            if found is None:
                found = mapper.class_manager.new_instance()
                self.loaded.append(found)
            self._known[place] = found
            found.__dict__.update(zip(keys, values, strict=True))
        return found

    def forget(self) -> None:
        """Somebody else may change the rows from here on: read them anew. What is assigned to them is still written."""
        self._apart.update(self._known)
        self._known.clear()

    def is_changed_apart(self) -> bool:
        """Whether something was assigned to an object whose row is to be read anew: it has to be written before."""
        return any(instance_state(row).committed_state for row in self._apart.values())

    def write(self, cursor: Cursor) -> list[Base]:
        """Insert what is new, update what was changed. Returns what was changed."""
        new, self.new = self.new, []
        changed = [row for row in self.loaded if instance_state(row).committed_state]
        write(cursor, [(type(row), row.__dict__) for row in new], changed)
        for row in new:
            instance_state(row).committed_state.clear()
        self.loaded += new
        return changed


class Read:
    """A SELECT of mapped classes and columns. Built once, at import; its parameters are `bindparam`s.

    A list is compared by `any_`, not by `in_`, which would be another statement for every length.
    A row is a named tuple; a mapped class in it is filled without a Session, or None when an outer join found nothing.

    What was asked ahead of a `lasting` one answers every fetch with the same parameters, not the first alone: for rows that
    a transaction needs more than once, holds the lock of, and changes through their objects only.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]], *, lasting: bool = False) -> None:
        self._statement = statement
        self._lasting = lasting
        self._lock = threading.Lock()
        self._compiled: _Compiled | None = None

    def ask(self, cursor: Cursor, parameters: Mapping[str, Any]) -> Asked:
        """Queue it; its rows come with whatever is asked next."""
        compiled = self._compiled or self._compile()
        values = compiled.values(parameters)
        return Asked(self, values, cursor.queue_for(compiled.sql, values))

    def run(self, cursor: Cursor, parameters: Mapping[str, Any], rows: Rows, ahead: list[Asked]) -> list[Any]:
        """Every row, in the statement's order. The mapped objects in them are those of `rows`, where it has them.

        What was asked ahead with the same parameters is not asked again, and is taken out of `ahead` unless it lasts.
        """
        compiled = self._compiled or self._compile()
        values = compiled.values(parameters)
        for position, asked in enumerate(ahead):
            if asked.read is self and asked.values == values:
                if not self._lasting:
                    del ahead[position]
                found = cursor.rows_of(asked.answer)
                break
        else:
            found = cursor.execute(compiled.sql, values).fetchall()
        read = compiled.read
        return [read(row, rows) for row in found]

    def _compile(self) -> _Compiled:
        # Late: mappers may not be configured yet when the module that holds the statement is imported.
        with self._lock:
            if self._compiled is None:
                self._compiled = _Compiled.of(self._statement)
            return self._compiled


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A statement on its way, by what it is recognised by when its rows are wanted."""

    read: Read
    values: Values
    answer: AskedRows


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns `start` to `stop` of a row: one mapped class, or one plain column when `mapper` is None."""

    start: int
    stop: int
    mapper: Mapper[Any] | None = None
    keys: tuple[str, ...] = ()

    def read(self, row: Values, rows: Rows) -> Any:
        if self.mapper is None:
            return row[self.start]
        values = row[self.start : self.stop]
        if values[0] is None:
            return None
        return rows.take(self.mapper, values, self.keys)


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    names: Sequence[str]
    """Of the parameters, in the order of their places."""
    constants: Mapping[str, Any]
    read: Callable[[Values, Rows], Any]

    def values(self, parameters: Mapping[str, Any]) -> Values:
        """The parameters in their places. Raises KeyError for one that is missing."""
        constants = self.constants
        return tuple([constants[name] if name in constants else parameters[name] for name in self.names])

    @classmethod
    def of(cls, statement: Select[*tuple[Any, ...]]) -> _Compiled:
        columns: list[Any] = []
        parts: list[_Part] = []
        names: list[str] = []
        for described in statement.column_descriptions:
            names.append(described["name"])
            entity = described["entity"]
            if entity is None or described["expr"] is not entity:
                columns.append(described["expr"])
                parts.append(_Part(len(columns) - 1, len(columns)))
                continue
            mapper: Mapper[Any] = mapped(entity).mapper
            # The id first: it names the object, and when it is NULL there is no row.
            keys = tuple(sorted((a.key for a in mapper.column_attrs), key=lambda key: key != "id"))
            start = len(columns)
            columns += [getattr(entity, key) for key in keys]
            parts.append(_Part(start, len(columns), mapper, keys))
        labelled = [column.label(f"c{position}") for position, column in enumerate(columns)]
        compiled = statement.with_only_columns(*labelled, maintain_column_froms=True).compile(dialect=_DIALECT)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        if len(parts) == 1:
            return cls(str(compiled), compiled.positiontup or (), constants, parts[0].read)
        row_type = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 - its fields are the statement's
        readers = [part.read for part in parts]
        return cls(
            str(compiled),
            compiled.positiontup or (),
            constants,
            lambda row, rows: row_type._make([read(row, rows) for read in readers]),
        )


@dataclass(slots=True)
class _Target:
    """How rows of one mapped class are written."""

    table: Table
    columns: dict[str, str]
    """Column names by attribute."""
    dumps: dict[str, Callable[[Any], Any]]
    """How a value that the driver does not take as it is, is given to it, by attribute."""
    keys: tuple[str, ...]
    defaults: tuple[tuple[str, Callable[[], Any]], ...]
    inserts: dict[tuple[tuple[str, ...], int], str] = field(default_factory=dict)
    updates: dict[tuple[tuple[str, ...], int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, mapper: Mapper[Any]) -> _Target:
        table = mapper.local_table
        assert isinstance(table, Table)  # noqa: S101 - every class of this product is mapped to one table
        columns = {attribute.key: mapper.columns[attribute.key].name for attribute in mapper.column_attrs}
        dumps = {key: dump for key in columns if (dump := _dump_of(mapper.columns[key]))}
        defaults = [(key, make) for key in columns if (make := _default(mapper.columns[key]))]
        keys = tuple(key for key in columns if mapper.columns[key].primary_key)
        return cls(table, columns, dumps, keys, tuple(defaults))

    def complete(self, row: dict[str, Any]) -> tuple[str, ...]:
        """Fill in the defaults of what was not assigned; the attributes that are then to be written.

        Raises TypeError for one that the table has not.
        """
        for key, make in self.defaults:
            if key not in row:
                row[key] = make()
        keys = tuple([key for key in self.columns if key in row])
        if len(keys) != len(row) and "_sa_instance_state" not in row:
            raise TypeError(f"{self.table.name} has no {', '.join(sorted(row.keys() - set(keys)))}")
        return keys

    def values(self, row: Mapping[str, Any], keys: tuple[str, ...]) -> Values:
        """The row's values of these attributes, as the driver takes them."""
        values = [row[key] for key in keys]
        for key, dump in self.dumps.items():
            if key in keys and row[key] is not None:
                values[keys.index(key)] = dump(row[key])
        return tuple(values)

    def insert_sql(self, keys: tuple[str, ...], rows: int = 1) -> str:
        """INSERT of these attributes of so many rows."""
        sql = self.inserts.get((keys, rows))
        if sql is None:
            names = ", ".join(f'"{self.columns[key]}"' for key in keys)
            width = len(keys)
            marks = ", ".join(f"({', '.join(f'${row * width + n + 1}' for n in range(width))})" for row in range(rows))
            sql = f"INSERT INTO {self._name} ({names}) VALUES {marks}"  # noqa: S608 - own names
            self.inserts[keys, rows] = sql
        return sql

    def update_sql(self, keys: tuple[str, ...], rows: int = 1) -> str:
        """UPDATE of these attributes of so many rows by primary key."""
        sql = self.updates.get((keys, rows))
        if sql is None:
            sql = self._update(keys) if rows == 1 else self._update_several(keys, rows)
            self.updates[keys, rows] = sql
        return sql

    def _update(self, keys: tuple[str, ...]) -> str:
        sets = ", ".join(f'"{self.columns[key]}" = ${n}' for n, key in enumerate(keys, 1))
        where = " AND ".join(f'"{self.columns[key]}" = ${n}' for n, key in enumerate(self.keys, len(keys) + 1))
        return f"UPDATE {self._name} SET {sets} WHERE {where}"  # noqa: S608 - own names

    def _update_several(self, keys: tuple[str, ...], rows: int) -> str:
        every = keys + self.keys
        names = [self.columns[key] for key in every]
        types = [self.table.columns[name].type.compile(_DIALECT) for name in names]
        width = len(every)
        marks = ", ".join(
            f"({', '.join(f'${row * width + n}::{kind}' for n, kind in enumerate(types, 1))})" for row in range(rows)
        )
        sets = ", ".join(f'"{name}" = changed.c{n}' for n, name in enumerate(names[: len(keys)]))
        where = " AND ".join(f'old."{name}" = changed.c{n}' for n, name in enumerate(names) if n >= len(keys))
        columns = ", ".join(f"c{n}" for n in range(width))
        return f"UPDATE {self._name} AS old SET {sets} FROM (VALUES {marks}) AS changed ({columns}) WHERE {where}"  # noqa: S608 - own names

    @property
    def _name(self) -> str:
        return f'"{self.table.schema}"."{self.table.name}"'


def _dump_of(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, JSONB):
        return Jsonb
    if isinstance(column.type, ARRAY) and isinstance(column.type.item_type, Uuid):
        return _uuid_array
    return None


def _uuid_array(values: Iterable[UUID]) -> str:
    """An array as PostgreSQL writes it: the driver takes several times as long to find out what is in it."""
    return "{" + ",".join([value.hex for value in values]) + "}"


def _default(column: Column[Any]) -> Callable[[], Any] | None:
    default = column.default
    if default is None:
        return None
    if default.is_callable:
        return lambda: default.arg(None)  # type: ignore[attr-defined]  # SQLAlchemy wraps it to take a context
    return lambda: default.arg  # type: ignore[attr-defined]


_targets: dict[type[Base], _Target] = {}
_order: dict[Table, int] = {}


def _target(kind: type[Base]) -> _Target:
    found = _targets.get(kind)
    if found is None:
        found = _targets[kind] = _Target.of(mapped(kind))
    return found


def _position(table: Table) -> int:
    """Parents before children, so that foreign keys find what they name."""
    if table not in _order:
        _order.update({known: number for number, known in enumerate(Base.metadata.sorted_tables)})
    return _order[table]


def insert_if_absent(cursor: Cursor, row: Base, conflict: Sequence[str]) -> bool:
    """Insert a row unless another has the same values in the columns of a unique constraint. Returns whether it was."""
    target = _target(type(row))
    keys = target.complete(row.__dict__)
    sql = f"{target.insert_sql(keys)} ON CONFLICT ({', '.join(conflict)}) DO NOTHING"
    cursor.execute(sql, target.values(row.__dict__, keys))
    instance_state(row).committed_state.clear()
    return cursor.rowcount == 1


MOST_ROWS = 16
"""Rows that one statement writes: each number of them is a statement to be prepared."""


def write(cursor: Cursor, new: Iterable[New], loaded: Iterable[Base] = ()) -> None:
    """Insert `new` and update what was changed of `loaded`: one statement a table and set of columns, parents first."""
    inserts: dict[tuple[int, tuple[str, ...]], tuple[_Target, list[Values]]] = {}
    updates: dict[tuple[int, tuple[str, ...]], tuple[_Target, list[Values]]] = {}
    for kind, values in new:
        target = _target(kind)
        keys = target.complete(values)
        place = (_position(target.table), keys)
        inserts.setdefault(place, (target, []))[1].append(target.values(values, keys))
    for row in loaded:
        changed = instance_state(row).committed_state
        if not changed:
            continue
        target = _target(type(row))
        values = row.__dict__
        keys = tuple([key for key, old in changed.items() if old != values[key]])
        changed.clear()
        if keys:
            parameters = target.values(values, keys) + target.values(values, target.keys)
            place = (_position(target.table), keys)
            updates.setdefault(place, (target, []))[1].append(parameters)
    for position in sorted({place[0] for place in inserts} | {place[0] for place in updates}):
        for (at, keys), (target, rows) in inserts.items():
            if at == position:
                for some in _portions(rows):
                    cursor.queue(target.insert_sql(keys, len(some)), sum(some, ()))
        for (at, keys), (target, rows) in updates.items():
            if at == position:
                for some in _portions(rows):
                    cursor.queue(target.update_sql(keys, len(some)), sum(some, ()))


def _portions(rows: Sequence[Values]) -> list[Sequence[Values]]:
    return [rows[start : start + MOST_ROWS] for start in range(0, len(rows), MOST_ROWS)]
