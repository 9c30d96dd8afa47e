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

import psycopg
from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Column, Select, Table
from sqlalchemy import inspect as mapped
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import instance_state

from kernel.db.base import Base

Cursor = psycopg.Cursor[Any]
Values = tuple[Any, ...]

# An int is sent as BIGINT whatever its value: otherwise each width would be prepared as a statement of its own.
psycopg.adapters.register_dumper(int, Int8Dumper)


class Read:
    """A SELECT of mapped classes and columns. Built once, at import; its parameters are `bindparam`s.

    A row is a named tuple; a mapped class in it is filled without a Session, or None when an outer join found nothing.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._lock = threading.Lock()
        self._compiled: _Compiled | None = None

    def run(self, cursor: Cursor, parameters: Mapping[str, Any], loaded: list[Base]) -> list[Any]:
        """Every row, in the statement's order. The mapped objects in them are added to `loaded`."""
        compiled = self._compiled or self._compile()
        cursor.execute(compiled.sql, {**compiled.constants, **parameters}, prepare=True)
        return [compiled.read(row, loaded) for row in cursor.fetchall()]

    def _compile(self) -> _Compiled:
        # Late: mappers may not be configured yet when the module that holds the statement is imported.
        with self._lock:
            if self._compiled is None:
                self._compiled = _Compiled.of(self._statement)
            return self._compiled


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns `start` to `stop` of a row: one mapped class, or one plain column when `mapper` is None."""

    start: int
    stop: int
    mapper: Mapper[Any] | None = None
    keys: tuple[str, ...] = ()

    def read(self, row: Values, loaded: list[Base]) -> Any:
        if self.mapper is None:
            return row[self.start]
        values = row[self.start : self.stop]
        if values[0] is None:
            return None
        found = self.mapper.class_manager.new_instance()
        found.__dict__.update(zip(self.keys, values, strict=True))
        loaded.append(found)
        return found


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    constants: Mapping[str, Any]
    read: Callable[[Values, list[Base]], Any]

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
            # The primary key first: when it is NULL, there is no row.
            keys = tuple(sorted((a.key for a in mapper.column_attrs), key=lambda key, m=mapper: not _is_key(m, key)))  # type: ignore[misc]
            start = len(columns)
            columns += [getattr(entity, key) for key in keys]
            parts.append(_Part(start, len(columns), mapper, keys))
        labelled = [column.label(f"c{position}") for position, column in enumerate(columns)]
        compiled = statement.with_only_columns(*labelled, maintain_column_froms=True).compile(
            dialect=PGDialect_psycopg()
        )
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        if len(parts) == 1:
            return cls(str(compiled), constants, parts[0].read)
        row_type = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 - its fields are the statement's
        readers = [part.read for part in parts]
        return cls(
            str(compiled), constants, lambda row, loaded: row_type._make([read(row, loaded) for read in readers])
        )


def _is_key(mapper: Mapper[Any], key: str) -> bool:
    return bool(mapper.columns[key].primary_key)


def is_changed(row: Base) -> bool:
    """Whether something was assigned to the row since it was read or written."""
    return bool(instance_state(row).committed_state)


@dataclass(slots=True)
class _Target:
    """How rows of one mapped class are written."""

    table: Table
    columns: dict[str, tuple[str, bool]]
    """Column name and whether it is JSON, by attribute."""
    keys: tuple[str, ...]
    defaults: tuple[tuple[str, Callable[[], Any]], ...]
    inserts: dict[tuple[str, ...], str] = field(default_factory=dict)
    updates: dict[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def of(cls, mapper: Mapper[Any]) -> _Target:
        table = mapper.local_table
        assert isinstance(table, Table)  # noqa: S101 - every class of this product is mapped to one table
        columns = {
            attribute.key: (mapper.columns[attribute.key].name, isinstance(mapper.columns[attribute.key].type, JSONB))
            for attribute in mapper.column_attrs
        }
        defaults = [(key, make) for key in columns if (make := _default(mapper.columns[key]))]
        keys = tuple(key for key in columns if mapper.columns[key].primary_key)
        return cls(table, columns, keys, tuple(defaults))

    def values(self, row: Mapping[str, Any], keys: tuple[str, ...]) -> Values:
        """The row's values of these attributes, as the driver takes them."""
        columns = self.columns
        return tuple([Jsonb(row[key]) if columns[key][1] and row[key] is not None else row[key] for key in keys])

    def insert_sql(self, keys: tuple[str, ...]) -> str:
        """INSERT of these attributes."""
        sql = self.inserts.get(keys)
        if sql is None:
            names = ", ".join(f'"{self.columns[key][0]}"' for key in keys)
            marks = ", ".join(["%s"] * len(keys))
            sql = self.inserts[keys] = f"INSERT INTO {self._name} ({names}) VALUES ({marks})"  # noqa: S608 - own names
        return sql

    def update_sql(self, keys: tuple[str, ...]) -> str:
        """UPDATE of these attributes by primary key."""
        sql = self.updates.get(keys)
        if sql is None:
            sets = ", ".join(f'"{self.columns[key][0]}" = %s' for key in keys)
            where = " AND ".join(f'"{self.columns[key][0]}" = %s' for key in self.keys)
            sql = self.updates[keys] = f"UPDATE {self._name} SET {sets} WHERE {where}"  # noqa: S608 - own names
        return sql

    @property
    def _name(self) -> str:
        return f'"{self.table.schema}"."{self.table.name}"'


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


def write(cursor: Cursor, new: Sequence[Base], loaded: Iterable[Base]) -> None:
    """Insert `new` and update what was changed of `loaded`: one statement a table and set of columns, parents first."""
    batches: dict[tuple[int, int, str], list[Values]] = {}
    for row in new:
        target = _target(type(row))
        values = row.__dict__
        for key, make in target.defaults:
            if key not in values:
                values[key] = make()
        keys = tuple([key for key in target.columns if key in values])
        place = (_position(target.table), 0, target.insert_sql(keys))
        batches.setdefault(place, []).append(target.values(values, keys))
        instance_state(row).committed_state.clear()
    for row in loaded:
        changed = instance_state(row).committed_state
        if not changed:
            continue
        target = _target(type(row))
        values = row.__dict__
        keys = tuple([key for key, old in changed.items() if old != values[key]])
        changed.clear()
        if keys:
            place = (_position(target.table), 1, target.update_sql(keys))
            batches.setdefault(place, []).append(target.values(values, keys) + target.values(values, target.keys))
    for place in sorted(batches):
        for values in batches[place]:
            cursor.execute(place[2], values, prepare=True)
