"""Locks in one stated order: aggregate (purchase, then order) → rows: order → payment → account by id → counter.

What works on a purchase or an order takes the aggregate's lock first; transactions that do much of it at once then cannot
cross, whatever rows they touch in which order.

Whoever locks several rows of one table names them all at once here, so that they are taken by ascending id and two
transactions cannot wait for each other. State is re-read after the lock: an identity map keeps stale rows otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, cast, func, select, text
from sqlalchemy.orm import Session

from kernel.db.base import Base
from kernel.db.uow import UnitOfWork

M = TypeVar("M", bound=Base)


def lock_row(session: Session, model: type[M], row_id: UUID) -> M | None:
    """The row, locked for update and freshly read, or None when there is none visible."""
    rows = lock_rows(session, model, [row_id])
    return rows[0] if rows else None


def lock_rows(session: Session, model: type[M], ids: Iterable[UUID]) -> list[M]:
    """The rows with these ids, locked in ascending id order and freshly read.

    What was assigned to them here is written first: read anew, they would be as if it had never been assigned.
    """
    session.flush()
    key: Any = model.__table__.c.id
    statement = (
        select(model)
        .where(key.in_(sorted(set(ids))))
        .order_by(key)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(statement))


def aggregate_key(column: SQLColumnExpression[UUID]) -> ColumnElement[int]:
    """The advisory lock's key of the aggregate whose id is in `column`."""
    return func.hashtextextended(cast(column, Text), 0)


def lock_aggregate(uow: UnitOfWork, aggregate_id: UUID) -> None:
    """Hold a purchase or an order as a whole until the transaction ends. Call it before any row of it is locked."""
    if aggregate_id not in uow.aggregates:
        uow.ask("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", (str(aggregate_id),))
        uow.aggregates.add(aggregate_id)


def lock_aggregates(uow: UnitOfWork, aggregate_ids: Iterable[UUID]) -> None:
    """As `lock_aggregate`, of several of one kind at once: by ascending id, in one round trip."""
    wanted = sorted(set(aggregate_ids) - uow.aggregates)
    if wanted:
        # `unnest` gives its elements in their order, and each lock is taken as its row comes.
        uow.ask(
            "SELECT pg_advisory_xact_lock(hashtextextended(one, 0)) FROM unnest($1::text[]) AS one",
            ([str(one) for one in wanted],),
        )
        uow.aggregates.update(wanted)


def advisory_xact_lock(session: Session, namespace: int, key: UUID) -> None:
    """Hold a lock on something that has no row yet, until the transaction ends. `namespace` comes from the caller's registry."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(CAST(:n AS integer), hashtext(:k))"),
        {"n": namespace, "k": str(key)},
    )
