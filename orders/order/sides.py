"""Keys between rows of the same two sides: the buyer and the seller of an order."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, text

_SIDES = ("buyer_org_id", "seller_org_id")


def of_both(column: str, table: str, *, later: str | None = None) -> ForeignKeyConstraint:
    """The key of a column to a row of the same two sides. `later`: its name, where the other table needs this one first."""
    columns = [f"{table}.{name}" for name in (*_SIDES, "id")]
    return ForeignKeyConstraint([*_SIDES, column], columns, use_alter=later is not None, name=later)


def partly_each(table: str, *columns: str) -> tuple[Index, ...]:
    """One for each of these columns."""
    return tuple(partly(table, column) for column in columns)


def partly(table: str, column: str) -> Index:
    """An index of the rows of a table in which a column says something."""
    return Index(f"ix_{table}_{column}", column, postgresql_where=text(f"{column} IS NOT NULL"))
