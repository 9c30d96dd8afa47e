"""Amounts that are kept beside the facts they follow from: computed again, compared, and where they differ written anew.

The facts (refunds, reversals, movements of credit, postings) are never changed by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from kernel import audit
from kernel.db.uow import UnitOfWork

_UNDONE: Final = "('succeeded', 'returned', 'resending', 'settled')"
MOST: Final = 1_000
"""Rows of one amount that are named."""


@dataclass(frozen=True, slots=True)
class Derived:
    """An amount of a table, and a SELECT of (id, minor) for every row that has other than zero."""

    table: str
    column: str
    facts: str


@dataclass(frozen=True, slots=True)
class Drift:
    """A row whose amount is not what its facts add up to."""

    table: str
    column: str
    row_id: UUID
    kept_minor: int
    computed_minor: int


def _lines(column: str, states: str) -> str:
    return (
        f"SELECT l.charge_id AS id, sum(l.{column}) AS minor FROM billing.refund_line l "  # noqa: S608 - words of this module
        f"JOIN billing.refund r ON r.id = l.refund_id WHERE r.state {states} GROUP BY 1"
    )


def _refunds(states: str) -> str:
    return f"SELECT allocation_id AS id, sum(amount_minor) AS minor FROM billing.refund WHERE state {states} GROUP BY 1"  # noqa: S608 - (same)


DERIVED: Final = (
    Derived("billing.charge", "reserved_minor", _lines("gross_minor", "<> 'failed'")),
    Derived("billing.charge", "reserved_net_minor", _lines("net_minor", "<> 'failed'")),
    Derived("billing.charge", "refunded_minor", _lines("gross_minor", f"IN {_UNDONE}")),
    Derived("billing.payment_allocation", "reserved_minor", _refunds("<> 'failed'")),
    Derived("billing.payment_allocation", "refunded_minor", _refunds(f"IN {_UNDONE}")),
    Derived(
        "billing.share",
        "reversed_minor",
        "SELECT share_id AS id, sum(amount_minor) AS minor FROM billing.share_reversal GROUP BY 1",
    ),
    Derived(
        "billing.store_credit",
        "balance_minor",
        "SELECT credit_id AS id, sum(amount_minor) AS minor FROM billing.store_credit_movement GROUP BY 1",
    ),
)


def find_drift(uow: UnitOfWork) -> list[Drift]:
    """Every amount that is not what its facts add up to, at most `MOST` of each. Changes nothing."""
    found = []
    for one in DERIVED:
        rows = uow.session.execute(
            text(f"""
                SELECT t.id, t.{one.column} AS kept, coalesce(f.minor, 0)::bigint AS computed
                FROM {one.table} t LEFT JOIN ({one.facts}) f ON f.id = t.id
                WHERE t.{one.column} <> coalesce(f.minor, 0) ORDER BY t.id LIMIT {MOST}
            """)  # noqa: S608 - words of this module
        )
        found += [Drift(one.table, one.column, row.id, row.kept, row.computed) for row in rows]
    return found


def rebuild(uow: UnitOfWork) -> int:
    """Write anew what differs; returns how many amounts. Idempotent: a second time nothing differs.

    Raises: Forbidden `permission_missing` without operator.payouts. Locks: the tables, against writers, until the end.
    """
    uow.principal.require("operator.payouts")
    tables = ", ".join(sorted({one.table for one in DERIVED} | {"billing.refund", "billing.refund_line"}))
    # A refund that ends meanwhile would be counted on one side alone.
    uow.session.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))
    uow.session.execute(text("SET LOCAL statement_timeout = '15min'"))
    written = 0
    for table in dict.fromkeys(one.table for one in DERIVED):
        own = [one for one in DERIVED if one.table == table]
        # In one statement a row: its amounts bound one another.
        columns = ", ".join(f"{one.column} = coalesce(f{number}.minor, 0)" for number, one in enumerate(own))
        joins = " ".join(f"LEFT JOIN ({one.facts}) f{number} ON f{number}.id = s.id" for number, one in enumerate(own))
        differs = " OR ".join(f"s.{one.column} <> coalesce(f{number}.minor, 0)" for number, one in enumerate(own))
        result = uow.session.connection().execute(
            text(f"UPDATE {table} t SET {columns} FROM {table} s {joins} WHERE t.id = s.id AND ({differs})")  # noqa: S608 - (same)
        )
        written += result.rowcount
    audit.record(uow, "books.rebuilt", rows=written)
    return written
